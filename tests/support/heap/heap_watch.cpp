#include "support/heap/heap_watch.hpp"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "tessera/core/tensor.hpp"

namespace {

std::atomic<std::size_t> calls{0};
std::atomic<std::size_t> bytes{0};
std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};

constexpr std::size_t never = static_cast<std::size_t>(-1);
thread_local constinit std::size_t calls_until_failure = never;

/// True for the one call that is to fail; counting down from 0 ends at `never`.
bool fails() noexcept {
  if (calls_until_failure == never) return false;
  return calls_until_failure-- == 0;
}

void* counted(void* block) noexcept {
  if (block == nullptr) return block;
  calls.fetch_add(1);
  const std::size_t size = malloc_usable_size(block);
  bytes.fetch_add(size);
  const std::size_t now = live.fetch_add(size) + size;
  std::size_t most = peak.load();
  while (now > most && !peak.compare_exchange_weak(most, now)) {
  }
  return block;
}

}  // namespace

// glibc offers its own functions under other names to those who replace them in a program.
extern "C" {

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* block, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
void __libc_free(void* block) noexcept;

void* malloc(std::size_t size) noexcept { return fails() ? nullptr : counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return fails() ? nullptr : counted(__libc_calloc(count, size));
}
void* realloc(void* block, std::size_t size) noexcept {
  if (fails()) return nullptr;
  if (block != nullptr) live.fetch_sub(malloc_usable_size(block));
  return counted(__libc_realloc(block, size));
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return fails() ? nullptr : counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return fails() ? nullptr : counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = fails() ? nullptr : counted(__libc_memalign(alignment, size));
  return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) noexcept {
  if (block != nullptr) live.fetch_sub(malloc_usable_size(block));
  __libc_free(block);
}

}  // extern "C"

namespace tessera::test {

HeapUse heap_use() { return {calls.load(), bytes.load(), live.load(), peak.load()}; }
void restart_heap_peak() { peak.store(live.load()); }

HeapFailure::HeapFailure(std::size_t calls_before) { calls_until_failure = calls_before; }
HeapFailure::~HeapFailure() { calls_until_failure = never; }
bool HeapFailure::happened() const { return calls_until_failure == never; }

namespace {

/// Keeps the compiler from leaving out what is allocated and freed unread.
void* volatile seen = nullptr;

TEST_CASE("the heap watch sees every way to ask for memory, from every thread") {
  CHECK(heap_calls_of([] {}) == 0);
  CHECK(heap_calls_of([] {
          int* number = new int(1);
          seen = number;
          delete number;
        }) == 1);
  CHECK(heap_calls_of([] {
          void* block = ::operator new(1000, std::align_val_t{64});
          seen = block;
          ::operator delete(block, std::align_val_t{64});
        }) == 1);
  CHECK(heap_calls_of([] {
          void* block = std::malloc(100);
          seen = block;
          block = std::realloc(block, 100'000);
          seen = block;
          std::free(block);
          block = std::calloc(3, 100);
          seen = block;
          std::free(block);
          block = std::aligned_alloc(64, 640);
          seen = block;
          std::free(block);
        }) == 4);
  std::atomic<std::size_t> in_thread{0};
  std::thread([&] {
    in_thread = heap_calls_of([] {
      const std::string text(100, 'x');
      seen = const_cast<char*>(text.data());
    });
  }).join();
  CHECK(in_thread == 1);
}

TEST_CASE("the heap watch makes one call fail") {
  const auto allocate = [] {
    const std::string text(100, 'x');
    seen = const_cast<char*>(text.data());
  };
  for (const std::size_t before : {0U, 1U, 3U}) {
    const HeapFailure failure(before);
    for (std::size_t call = 0; call < before; ++call) allocate();
    CHECK_FALSE(failure.happened());
    CHECK_THROWS_AS(allocate(), std::bad_alloc);
    CHECK(failure.happened());
    allocate();
  }
}

TEST_CASE("the heap watch knows the most that was live at once") {
  const std::size_t growth = heap_growth_of([] {
    {
      const std::vector<char> one(3'000'000);
      seen = const_cast<char*>(one.data());
    }
    const std::vector<char> two(2'000'000);
    seen = const_cast<char*>(two.data());
  });
  CHECK(growth >= 3'000'000);
  CHECK(growth < 3'100'000);
}

TEST_CASE("the heap watch sees tensors and adds up what is asked for") {
  release_cached_memory();
  const std::size_t asked = heap_bytes_of([] {
    for (int i = 0; i < 2; ++i) {
      Tensor<float, 1> zeros({1'000'000});
      seen = zeros.data();
      release_cached_memory();
      const auto plain = Tensor<float, 1>::empty({500'000});
      seen = const_cast<float*>(plain.data());
    }
  });
  CHECK(asked >= 8'000'000);  // the second zeros come from the cache
  CHECK(asked < 9'000'000);
}

}  // namespace
}  // namespace tessera::test
