#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "tessera/core/threads/execution.hpp"

namespace tessera {

namespace detail {

/// A loop body, whatever its type: parallel_for is one function for all of them.
struct CellBody {
  const void* body;
  void (*call)(const void* body, Index cell);
};

inline void run_cells(Index cells, const CellBody& body) {
  const ExecutionContext context = execution_context();
  if (context.team == nullptr || cells <= 1 ||
      cells > static_cast<Index>(std::numeric_limits<std::uint32_t>::max())) {
    for (Index cell = 0; cell < cells; ++cell) body.call(body.body, cell);
    return;
  }
  struct Job {
    CellBody body;
    ExecutionContext context;
  };
  Job job{body, context};
  job.context.team = nullptr;  // a loop inside a cell runs where it stands
  context.team->run(
      static_cast<std::uint32_t>(cells),
      [](const void* pointer, Index cell) {
        const Job& shared = *static_cast<const Job*>(pointer);
        const ExecutionContextSwap alone(shared.context);
        shared.body.call(shared.body.body, cell);
      },
      &job);
}

}  // namespace detail

/// Calls body(cell) for every cell in [0, cells), spread over the calling thread's execution
/// scope. What a cell is must not depend on the number of threads: then neither do results. A
/// loop inside a cell runs where it stands.
template <class Body>
void parallel_for(Index cells, const Body& body) {
  detail::run_cells(cells, {&body, [](const void* pointer, Index cell) {
                              (*static_cast<const Body*>(pointer))(cell);
                            }});
}

/// Calls body(begin, end) for the pieces of [0, count) that are `grain` long (the last one may be
/// shorter).
template <class Body>
void parallel_ranges(Index count, Index grain, const Body& body) {
  const Index cells = (count + grain - 1) / grain;
  parallel_for(cells, [&](Index cell) { body(cell * grain, std::min(count, (cell + 1) * grain)); });
}

}  // namespace tessera
