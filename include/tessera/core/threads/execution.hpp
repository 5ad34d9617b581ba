#pragma once

#include <memory>
#include <optional>

#include "tessera/core/error.hpp"
#include "tessera/core/memory.hpp"
#include "tessera/core/threads/context.hpp"
#include "tessera/core/threads/processors.hpp"

namespace tessera {

struct ExecutionSettings {
  /// Number of threads that compute, the calling one included. 0 means as many as this thread may
  /// use (usable_processors): its affinity and its cgroups' quotas count.
  Index threads = 1;
  MatmulPrecision matmul_precision = MatmulPrecision::highest;
  /// Instruction set of the float kernels. None: the best of this machine, unless TESSERA_ISA in
  /// the environment names a lower one.
  std::optional<Isa> isa = std::nullopt;
};

namespace detail {

inline Isa resolved_isa(const std::optional<Isa>& isa) {
  return isa ? available(*isa, "ExecutionScope") : default_isa();
}

inline Index resolved_threads(Index threads) {
  constexpr Index most = 4096;  // more is taken for a mistake: a negative number, a size
  if (!(threads >= 0 && threads <= most)) {
    refuse("ExecutionScope", "threads = ", threads, " is negative or above ", most);
  }
  return threads > 0 ? threads : std::min(usable_processors(), most);
}

inline std::shared_ptr<ScopeEntry> scope_entry(const ExecutionSettings& settings) {
  const Isa isa = resolved_isa(settings.isa);
  // From the thread's cache: a program that opens a scope for each call asks the heap for nothing.
  const auto entry = std::allocate_shared<ScopeEntry>(CachedAllocator<ScopeEntry>(),
                                                      resolved_threads(settings.threads) - 1);
  ThreadTeam* const team = entry->team.workers() > 0 ? &entry->team : nullptr;
  entry->context = {settings.matmul_precision, isa, team};
  return entry;
}

}  // namespace detail

/// Threads, matmul precision and instruction set for whatever the calling thread computes while
/// this object lives:
///
///     const ExecutionScope scope({.threads = 2});
///     const auto features = encoder.encode(images);  // on two threads
///
/// Without a scope one thread computes, in float32. The number of threads never changes a result.
/// Idle workers sleep after 50 microseconds.
///
/// Scopes nest: the one that began last is in force. They may end in any order. A scope is the
/// thread's that began it, and other threads are not affected. It may end on another thread; then
/// its own thread goes on with it until it begins or ends a scope, or ends itself.
///
/// Throws std::invalid_argument if `threads` is negative or above 4096 or the machine lacks `isa`,
/// and std::system_error if the system gives no more threads; then nothing is changed.
class [[nodiscard]] ExecutionScope {
 public:
  explicit ExecutionScope(const ExecutionSettings& settings)
      : entry_(detail::scope_entry(settings)) {
    detail::put_in_scope(entry_);
  }
  ExecutionScope(const ExecutionScope&) = delete;
  ExecutionScope& operator=(const ExecutionScope&) = delete;
  ~ExecutionScope() {
    entry_->ended.store(true, std::memory_order_release);
    detail::take_out_ended_scopes();
  }

 private:
  std::shared_ptr<detail::ScopeEntry> entry_;
};

/// Threads that the calling thread's work is spread over.
inline Index current_threads() {
  const detail::ThreadTeam* team = detail::execution_context().team;
  return team ? team->workers() + 1 : 1;
}

inline MatmulPrecision current_matmul_precision() {
  return detail::execution_context().matmul_precision;
}

inline Isa current_isa() { return detail::execution_context().isa; }

}  // namespace tessera
