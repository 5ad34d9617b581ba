#pragma once

#include <cstddef>
#include <new>

#include "tessera/core/memory.hpp"

namespace tessera::test {

/// What this program asks of the heap, from all threads: malloc and everything above it, such as
/// operator new and Tensor. heap_watch.cpp counts; where that cannot be, with sanitizers or
/// another C library than glibc, heap_unwatched.cpp says zero.
struct HeapUse {
  std::size_t calls = 0;  ///< since the program began
  std::size_t bytes = 0;  ///< asked for in these calls, as the heap rounds them
  std::size_t live = 0;   ///< bytes not freed yet
  std::size_t peak = 0;   ///< the most since restart_heap_peak
};

HeapUse heap_use();
void restart_heap_peak();

/// Makes one call for memory fail: the one after `calls` more of the calling thread, while this
/// lives. Other threads are not affected. Does nothing where nothing is counted.
class HeapFailure {
 public:
  explicit HeapFailure(std::size_t calls);
  HeapFailure(const HeapFailure&) = delete;
  HeapFailure& operator=(const HeapFailure&) = delete;
  ~HeapFailure();
  bool happened() const;
};

/// Runs `action` again and again, each time with the next one of its calls for memory failing, and
/// `check` after each std::bad_alloc, until it succeeds. Returns how many calls failed.
template <class Action, class Check>
std::size_t fail_each_call(const Action& action, const Check& check) {
  for (std::size_t calls = 0;; ++calls) {
    release_cached_memory();
    try {
      const HeapFailure failure(calls);
      action();
      return calls;
    } catch (const std::bad_alloc&) {
    }
    check();
  }
}

/// How often `action` asks for memory.
template <class Action>
std::size_t heap_calls_of(const Action& action) {
  const std::size_t before = heap_use().calls;
  action();
  return heap_use().calls - before;
}

/// Bytes that `action` asks for, freed ones included.
template <class Action>
std::size_t heap_bytes_of(const Action& action) {
  const std::size_t before = heap_use().bytes;
  action();
  return heap_use().bytes - before;
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
