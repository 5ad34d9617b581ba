#pragma once

#include <atomic>
#include <cstddef>

namespace tessera::io::test {

/// Bytes asked of operator new since the program began, those not given back, and the most that
/// these have been; allocation_watch_test.cpp counts them.
extern std::atomic<std::size_t> allocated_bytes;
extern std::atomic<std::size_t> live_bytes;
extern std::atomic<std::size_t> peak_bytes;

/// Bytes that `action` asks for, freed ones included.
template <class Action>
std::size_t bytes_allocated_by(const Action& action) {
  const std::size_t before = allocated_bytes;
  action();
  return allocated_bytes - before;
}

/// The most bytes that `action` holds at a time, above those that were held before.
template <class Action>
std::size_t peak_bytes_of(const Action& action) {
  const std::size_t before = live_bytes;
  peak_bytes = before;
  action();
  return peak_bytes - before;
}

}  // namespace tessera::io::test
