#include "io/allocation_watch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#include "support/catch.hpp"

namespace tessera::io::test {

std::atomic<std::size_t> allocated_bytes = 0;
std::atomic<std::size_t> live_bytes = 0;
std::atomic<std::size_t> peak_bytes = 0;

namespace {

/// Room before each block, in which its size stands.
std::size_t room_for(std::size_t alignment) {
  return std::max(alignment, alignof(std::max_align_t));
}

void* counted(void* base, std::size_t room, std::size_t size) {
  if (base == nullptr) return nullptr;
  std::byte* block = static_cast<std::byte*>(base) + room;
  std::memcpy(block - sizeof(size), &size, sizeof(size));
  allocated_bytes += size;
  const std::size_t live = live_bytes += size;
  if (live > peak_bytes) peak_bytes = live;
  return block;
}

void release(void* block, std::size_t alignment = 0) {
  if (block == nullptr) return;
  std::size_t size = 0;
  std::memcpy(&size, static_cast<std::byte*>(block) - sizeof(size), sizeof(size));
  live_bytes -= size;
  std::free(static_cast<std::byte*>(block) - room_for(alignment));
}

}  // namespace
}  // namespace tessera::io::test

// Every form that is called on its own: a sanitizer has some of them too, and pairs must match. Not
// inlined: g++ would see malloc's block freed by delete and warn.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  const std::size_t room = tessera::io::test::room_for(0);
  return tessera::io::test::counted(std::malloc(room + size), room, size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* block = operator new(size, std::nothrow)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  const std::size_t room = tessera::io::test::room_for(step);
  void* const base = std::aligned_alloc(step, (room + size + step - 1) / step * step);
  if (void* block = tessera::io::test::counted(base, room, size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete(void* block) noexcept { tessera::io::test::release(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  tessera::io::test::release(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  tessera::io::test::release(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t alignment) noexcept {
  tessera::io::test::release(block, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* block, std::size_t,
                                       std::align_val_t alignment) noexcept {
  tessera::io::test::release(block, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
  tessera::io::test::release(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
  tessera::io::test::release(block);
}

namespace tessera::io::test {

TEST_CASE("what is asked for, and held at a time, is counted whatever form of new asks") {
  std::size_t held = 0;
  // Called by name: a compiler may leave out what it asks for itself.
  const auto twice = [&] {
    for (int i = 0; i < 2; ++i) {
      void* const plain = operator new(1000);
      void* const wide = operator new (128, std::align_val_t{128});
      held = live_bytes;
      operator delete (wide, std::align_val_t{128});
      operator delete(plain);
    }
  };
  const std::size_t before = live_bytes;
  const std::size_t asked = bytes_allocated_by(twice);
  const std::size_t most = peak_bytes_of(twice);
  const std::size_t after = live_bytes;
  CHECK(asked == 2 * 1128);
  CHECK(held - before == 1128);
  CHECK(most == 1128);
  CHECK(after == before);
}

}  // namespace tessera::io::test
