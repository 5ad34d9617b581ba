#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "tessera/core/threads/isa.hpp"
#include "tessera/core/threads/thread_team.hpp"

namespace tessera {

/// Precision of float matrix products; PyTorch's names. A machine without the hardware for a
/// lower precision computes in float32, and so does every Scalar but float. In the lower ones
/// subnormal numbers count as zero; in `high` infinite numbers, and those above 3.39e38 that
/// bfloat16 rounds to infinity, give NaN.
enum class MatmulPrecision {
  highest,  ///< float32
  high,     ///< each float32 as a sum of two bfloat16, three products, float32 accumulation; AMX
  medium,   ///< bfloat16 inputs, float32 accumulation; AMX or AVX512-BF16
};

namespace detail {

/// The way a thread computes.
struct ExecutionContext {
  MatmulPrecision matmul_precision = MatmulPrecision::highest;
  Isa isa = default_isa();
  ThreadTeam* team = nullptr;  ///< null: everything runs on the calling thread
};

/// An entry in a thread's list of contexts. The innermost one, which came last, is in force.
/// Mostly they end in the opposite order; an entry that ends earlier is taken out of the middle,
/// so that no other one refers to it.
struct ContextEntry {
  ExecutionContext context;
  ContextEntry* outer = nullptr;

  // Of scopes alone, which are objects that a program may keep anywhere and end on any thread:
  std::atomic<bool> ended{false};            ///< its scope is gone; its thread may take it out
  std::shared_ptr<ContextEntry> own_list{};  ///< keeps the entry as long as it is in the list
};

/// Head of the calling thread's list. A plain pointer: still there when a static scope ends.
inline ContextEntry*& innermost_context() {
  thread_local constinit ContextEntry* innermost = nullptr;
  return innermost;
}

/// The context that is in force on the calling thread.
inline const ExecutionContext& execution_context() {
  static const ExecutionContext without_scope;
  const ContextEntry* const entry = innermost_context();
  return entry != nullptr ? entry->context : without_scope;
}

/// Takes the entries that `is_over` says out of the calling thread's list. A team that runs a loop
/// is needed until the loop ends, so its entry stays.
template <class IsOver>
void take_out_contexts(const IsOver& is_over) noexcept {
  for (ContextEntry** link = &innermost_context(); *link != nullptr;) {
    ContextEntry& entry = **link;
    if (is_over(entry)) {
      *link = entry.outer;
      const std::shared_ptr<ContextEntry> last = std::move(entry.own_list);
    } else {
      link = &entry.outer;
    }
  }
}

/// Another context for the calling thread, for as long as a block of code runs: within the cells of
/// a loop, or where backward computes as forward did.
class ContextOverride {
 public:
  explicit ContextOverride(const ExecutionContext& context)
      : entry_{.context = context, .outer = innermost_context()} {
    innermost_context() = &entry_;
  }
  ContextOverride(const ContextOverride&) = delete;
  ContextOverride& operator=(const ContextOverride&) = delete;
  ~ContextOverride() {
    if (innermost_context() == &entry_) {
      innermost_context() = entry_.outer;
    } else {
      take_out_contexts([this](const ContextEntry& entry) { return &entry == &entry_; });
    }
  }

 private:
  ContextEntry entry_;
};

/// A scope's entry, with the team that its context refers to.
struct ScopeEntry : ContextEntry {
  explicit ScopeEntry(Index workers) : team(workers) {}
  ThreadTeam team;
};

/// Takes the scopes that have ended, here or on another thread, out of the calling thread's list.
inline void take_out_ended_scopes() noexcept {
  take_out_contexts([](const ContextEntry& entry) {
    if (!entry.ended.load(std::memory_order_acquire)) return false;
    const ThreadTeam* const team = entry.context.team;
    return team == nullptr || !team->busy();
  });
}

/// Puts a scope in front of the calling thread's list.
inline void put_in_scope(const std::shared_ptr<ScopeEntry>& scope) {
  struct AtThreadEnd {
    ~AtThreadEnd() {
      take_out_contexts([](const ContextEntry&) { return true; });
    }
  };
  thread_local const AtThreadEnd at_thread_end;  // scopes may outlive the thread that began them
  (void)at_thread_end;
  take_out_ended_scopes();
  scope->own_list = scope;
  scope->outer = innermost_context();
  innermost_context() = scope.get();
}

}  // namespace detail
}  // namespace tessera
