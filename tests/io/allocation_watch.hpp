#pragma once

#include <atomic>
#include <cstddef>

namespace tessera::io::test {

/// Bytes asked of operator new since the program began; safetensors_header_test.cpp counts them.
extern std::atomic<std::size_t> allocated_bytes;

/// Bytes that `action` asks for, freed ones included.
template <class Action>
std::size_t bytes_allocated_by(const Action& action) {
  const std::size_t before = allocated_bytes;
  action();
  return allocated_bytes - before;
}

}  // namespace tessera::io::test
