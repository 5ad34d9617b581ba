#pragma once

#include <cstddef>

namespace tessera::test {

/// What this program asks of the heap, from all threads: malloc and everything above it, such as
/// operator new. heap_watch_test.cpp counts.
struct HeapUse {
  std::size_t calls = 0;  ///< since the program began
  std::size_t live = 0;   ///< bytes not freed yet
  std::size_t peak = 0;   ///< the most since restart_heap_peak
};

HeapUse heap_use();
void restart_heap_peak();

/// How often `action` asks for memory.
template <class Action>
std::size_t heap_calls_of(const Action& action) {
  const std::size_t before = heap_use().calls;
  action();
  return heap_use().calls - before;
}

/// How far above what was live before the heap grows in `action`.
template <class Action>
std::size_t heap_growth_of(const Action& action) {
  restart_heap_peak();
  const std::size_t before = heap_use().live;
  action();
  return heap_use().peak - before;
}

}  // namespace tessera::test
