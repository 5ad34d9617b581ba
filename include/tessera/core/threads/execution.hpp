#pragma once

#include <optional>
#include <thread>

#include "tessera/core/error.hpp"
#include "tessera/core/threads/isa.hpp"
#include "tessera/core/threads/thread_team.hpp"

namespace tessera {

/// How float matrix products are computed; PyTorch's names. A machine without the hardware for a
/// lower precision computes in float32, and so does every Scalar but float. In the lower ones
/// subnormal numbers count as zero; in `high` infinite numbers, and those above 3.39e38 that
/// bfloat16 rounds to infinity, give NaN.
enum class MatmulPrecision {
  highest,  ///< float32
  high,     ///< each float32 as a sum of two bfloat16, three products, float32 accumulation; AMX
  medium,   ///< bfloat16 inputs, float32 accumulation; AMX or AVX512-BF16
};

struct ExecutionSettings {
  Index threads = 1;  ///< the calling thread included; 0 means one per hardware thread
  MatmulPrecision matmul_precision = MatmulPrecision::highest;
  /// Instruction set of the float kernels. None: the best of this machine, unless TESSERA_ISA in
  /// the environment names a lower one.
  std::optional<Isa> isa = std::nullopt;
};

namespace detail {

struct ExecutionContext {
  MatmulPrecision matmul_precision = MatmulPrecision::highest;
  Isa isa = default_isa();
  ThreadTeam* team = nullptr;  ///< null: everything runs on the calling thread
};

inline ExecutionContext& execution_context() {
  thread_local ExecutionContext context;
  return context;
}

/// Replaces the calling thread's context and puts the former one back.
class ExecutionContextSwap {
 public:
  explicit ExecutionContextSwap(const ExecutionContext& context) : former_(execution_context()) {
    execution_context() = context;
  }
  ExecutionContextSwap(const ExecutionContextSwap&) = delete;
  ExecutionContextSwap& operator=(const ExecutionContextSwap&) = delete;
  ~ExecutionContextSwap() { execution_context() = former_; }

 private:
  ExecutionContext former_;
};

inline Isa resolved_isa(const std::optional<Isa>& isa) {
  return isa ? available(*isa, "ExecutionScope") : default_isa();
}

inline Index resolved_threads(Index threads) {
  constexpr Index most = 4096;
  if (!(threads >= 0 && threads <= most)) {
    refuse("ExecutionScope", "threads = ", threads, " is negative or above ", most);
  }
  if (threads > 0) return threads;
  return std::max<Index>(1, static_cast<Index>(std::thread::hardware_concurrency()));
}

}  // namespace detail

/// Threads, matmul precision and instruction set for whatever the calling thread computes while
/// this object lives:
///
///     const ExecutionScope scope({.threads = 2});
///
/// Without a scope one thread computes, in float32. Scopes nest; other threads are not affected.
/// The number of threads never changes a result. Idle workers sleep after some tens of
/// microseconds. Throws std::invalid_argument if `threads` is negative or the machine lacks `isa`.
class [[nodiscard]] ExecutionScope {
 public:
  explicit ExecutionScope(const ExecutionSettings& settings)
      : team_(detail::resolved_threads(settings.threads) - 1),
        swap_({settings.matmul_precision, detail::resolved_isa(settings.isa),
               team_.workers() > 0 ? &team_ : nullptr}) {}
  ExecutionScope(const ExecutionScope&) = delete;
  ExecutionScope& operator=(const ExecutionScope&) = delete;

 private:
  detail::ThreadTeam team_;
  detail::ExecutionContextSwap swap_;
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
