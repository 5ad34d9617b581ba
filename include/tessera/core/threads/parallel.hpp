#pragma once

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>

#include "tessera/core/threads/execution.hpp"

namespace tessera {

namespace detail {

/// A loop body without its type, so that everything but one call is compiled once for all loops.
struct CellBody {
  const void* body;
  void (*call)(const void* body, Index cell);
};

/// Keeps, of the exceptions that cells throw, that of the first cell in their order.
class FirstException {
 public:
  /// Called within a handler of the exception.
  void keep(Index cell) noexcept {
    const std::lock_guard lock(mutex_);
    if (cell >= cell_) return;
    cell_ = cell;
    exception_ = std::current_exception();
  }
  /// Throws what was kept, once all cells are done.
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  Index cell_ = std::numeric_limits<Index>::max();
  std::exception_ptr exception_;
};

/// A running loop, as its caller shares it with the workers.
struct RunningLoop {
  CellBody body;
  ExecutionContext context;  ///< that the cells run in
  mutable FirstException exception{};

  /// Runs the cells [begin, end). One that throws does not keep the others from running: which
  /// cells run must not depend on the number of threads.
  static void run_cells(const void* loop, Index begin, Index end) noexcept {
    const RunningLoop& running = *static_cast<const RunningLoop*>(loop);
    const ContextOverride in_loop(running.context);
    for (Index cell = begin; cell < end; ++cell) {
      try {
        running.body.call(running.body.body, cell);
      } catch (...) {
        running.exception.keep(cell);
      }
    }
  }
};

inline void run_loop(Index cells, const CellBody& body) {
  RunningLoop loop{body, execution_context()};
  if (loop.context.team == nullptr || cells <= 1 || cells > ThreadTeam::max_cells) {
    RunningLoop::run_cells(&loop, 0, cells);
  } else {
    ThreadTeam& team = *std::exchange(loop.context.team, nullptr);  // a cell has one thread
    team.run(cells, &RunningLoop::run_cells, &loop);
  }
  loop.exception.rethrow();
}

}  // namespace detail

/// Calls body(cell) once for every cell in [0, cells), spread over the threads of the calling
/// thread's execution scope:
///
///     parallel_for(images, [&](Index image) { work_on(image); });
///
/// The cut into cells must not depend on the number of threads: then neither do results. Cells run
/// at the same time, in any order, and must not write where another one reads or writes. A loop
/// inside a cell runs on that cell's thread. If cells throw, the others run all the same, and then
/// the exception of the first such cell, in their order, is thrown on.
template <class Body>
void parallel_for(Index cells, const Body& body) {
  detail::run_loop(cells, {&body, [](const void* pointer, Index cell) {
                             (*static_cast<const Body*>(pointer))(cell);
                           }});
}

/// Calls body(begin, end) for the pieces of [0, count) that are `grain` long (the last one may be
/// shorter), as parallel_for does. Throws std::invalid_argument unless grain is positive.
template <class Body>
void parallel_ranges(Index count, Index grain, const Body& body) {
  if (grain <= 0) refuse("parallel_ranges", "grain = ", grain, " must be positive");
  const Index cells = count / grain + (count % grain > 0 ? 1 : 0);
  parallel_for(cells, [&](Index cell) {
    const Index begin = cell * grain;
    body(begin, begin + std::min(grain, count - begin));
  });
}

}  // namespace tessera
