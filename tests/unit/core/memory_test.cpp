#include "tessera/core/memory.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>

#include "support/catch.hpp"

namespace tessera {

namespace {

using detail::BufferCache;

std::size_t cached_bytes() { return detail::buffer_cache()->cached_bytes(); }

}  // namespace

TEST_CASE("size classes hold what was asked for with at most a fifth of slack") {
  CHECK(BufferCache::rounded(0) == BufferCache::min_bytes);
  CHECK(BufferCache::rounded(1) == BufferCache::min_bytes);
  CHECK(BufferCache::rounded(256) == 256);
  CHECK(BufferCache::rounded(257) == 320);
  CHECK(BufferCache::rounded(512) == 512);
  std::size_t wrong = 0;
  for (std::size_t bytes = 256; bytes < 70000; ++bytes) {
    const std::size_t rounded = BufferCache::rounded(bytes);
    wrong += rounded < bytes || rounded % 64 != 0 || 5 * (rounded - bytes) > rounded ||
             BufferCache::rounded(rounded) != rounded;
  }
  CHECK(wrong == 0);
}

TEST_CASE("every buffer is 64-byte aligned") {
  for (const std::size_t size : {1U, 3U, 17U, 100U, 1000U, 100000U}) {
    const Buffer<char> buffer(size);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
    CHECK(buffer.size() == size);
  }
}

TEST_CASE("an empty buffer holds no memory") {
  const Buffer<double> buffer(0);
  CHECK(buffer.data() == nullptr);
  CHECK(buffer.size() == 0);
  CHECK(Buffer<double>(buffer).data() == nullptr);
}

TEST_CASE("zeros are zeros, from the system and from the cache") {
  release_cached_memory();
  for (const std::size_t size : {std::size_t{100}, std::size_t{1} << 22}) {
    for (int round = 0; round < 4; ++round) {
      if (round == 2) release_cached_memory();  // the heap may give the same memory again
      auto buffer = Buffer<unsigned char>::zeros(size);
      CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
      CHECK(std::count(buffer.data(), buffer.data() + size, 0) == static_cast<long>(size));
      std::fill_n(buffer.data(), size, static_cast<unsigned char>(7));  // what the cache gets back
    }
  }
  CHECK(Buffer<int>::zeros(0).data() == nullptr);
}

TEST_CASE("memory of somebody else is used where it is, and its owner ends with the last buffer") {
  struct Owner : MemoryOwner {
    explicit Owner(int& count) : ended(&count) {}
    ~Owner() override { ++*ended; }
    int* ended;
  };
  int ended = 0;
  std::array<int, 3> values{1, 2, 3};
  {
    Buffer<int> buffer(values.data(), values.size(), std::make_unique<Owner>(ended));
    CHECK(buffer.data() == values.data());
    Buffer<int> copy = buffer;
    copy.data()[0] = 9;
    CHECK(values[0] == 1);
    Buffer<int> moved = std::move(buffer);
    CHECK(moved.data() == values.data());
    Buffer<int> target(5);
    target = std::move(moved);
    CHECK(target.data() == values.data());
    CHECK(ended == 0);
    target = Buffer<int>(2);
    CHECK(ended == 1);
  }
  CHECK(ended == 1);
}

TEST_CASE("a cache hands the same block out again, for sizes of one class alone") {
  BufferCache cache;
  const std::size_t small = BufferCache::rounded(1000);
  const std::size_t large = BufferCache::rounded(5000);
  void* block = cache.take(small);
  cache.give(block, small);
  CHECK(cache.cached_bytes() == small);
  void* other = cache.take(large);
  CHECK(other != block);
  CHECK(cache.cached_bytes() == small);
  CHECK(cache.take(small) == block);
  CHECK(cache.cached_bytes() == 0);
  cache.give(block, small);
  cache.give(other, large);
  CHECK(cache.cached_bytes() == small + large);
  cache.clear();
  CHECK(cache.cached_bytes() == 0);
}

TEST_CASE("buffers are reused until release_cached_memory") {
  if (!detail::cache_buffers) return;  // AddressSanitizer wants every block for itself
  release_cached_memory();
  CHECK(cached_bytes() == 0);
  const double* first = nullptr;
  {
    const Buffer<double> buffer(1000);
    first = buffer.data();
  }
  const std::size_t bytes = BufferCache::rounded(8000);
  CHECK(cached_bytes() == bytes);
  {
    const Buffer<float> again(2000);  // another type, the same class
    CHECK(static_cast<const void*>(again.data()) == first);
    CHECK(cached_bytes() == 0);
  }
  CHECK(cached_bytes() == bytes);
  release_cached_memory();
  CHECK(cached_bytes() == 0);
}

TEST_CASE("buffers copy and move") {
  Buffer<int> original(3);
  for (int i = 0; i < 3; ++i) original.data()[i] = i;
  Buffer<int> copy = original;
  CHECK(copy.data() != original.data());
  CHECK(copy.data()[2] == 2);

  const int* memory = original.data();
  Buffer<int> moved = std::move(original);
  CHECK(moved.data() == memory);

  Buffer<int> target(50);
  target = std::move(moved);
  CHECK(target.data() == memory);
  CHECK(target.size() == 3);
  CHECK(moved.data() == nullptr);  // holds nothing of the target's former memory
  CHECK(moved.size() == 0);

  target = copy;  // same size: in place
  CHECK(target.data() == memory);
  Buffer<int>& self = target;
  target = self;
  CHECK(target.data()[1] == 1);
  target = std::move(self);
  CHECK(target.size() == 3);
  CHECK(target.data()[1] == 1);
}

TEST_CASE("containers and shared pointers live in the same cache") {
  if (!detail::cache_buffers) return;
  release_cached_memory();
  const void* block = nullptr;
  {
    CachedVector<int> numbers(100, 7);
    CHECK(numbers[99] == 7);
    block = numbers.data();
  }
  CHECK(cached_bytes() == BufferCache::rounded(400));
  {
    const Buffer<char> again(400);
    CHECK(static_cast<const void*>(again.data()) == block);
  }
  {
    const auto shared = std::allocate_shared<int>(CachedAllocator<int>(), 3);
  }
  CHECK(cached_bytes() == BufferCache::rounded(400) + BufferCache::min_bytes);
  CHECK(CachedAllocator<int>() == CachedAllocator<char>());
  CHECK_THROWS_AS(CachedAllocator<double>().allocate(std::size_t{1} << 61), std::bad_alloc);
  release_cached_memory();
}

TEST_CASE("sizes beyond all memory are refused") {
  CHECK_THROWS_AS(Buffer<double>(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  CHECK_THROWS_AS(Buffer<double>(std::size_t{1} << 61), std::bad_alloc);
}

TEST_CASE("a cache keeps no more blocks than were taken from it") {
  BufferCache producer;
  BufferCache consumer;
  const std::size_t bytes = BufferCache::rounded(100'000);
  for (int batch = 0; batch < 50; ++batch) consumer.give(producer.take(bytes), bytes);
  CHECK(consumer.cached_bytes() == 0);  // a loader's batches are not hoarded by who reads them
  void* own = consumer.take(bytes);
  consumer.give(producer.take(bytes), bytes);
  CHECK(consumer.cached_bytes() == bytes);
  consumer.give(own, bytes);
  CHECK(consumer.cached_bytes() == bytes);
}

TEST_CASE("a block freed by a thread that took as many joins its cache", "[threads]") {
  release_cached_memory();
  const std::size_t expected = detail::cache_buffers ? BufferCache::rounded(4000) : 0;
  Buffer<float> buffer(1000);
  std::fill_n(buffer.data(), 1000, 2.0F);
  std::size_t theirs = 1;
  bool released = false;
  std::thread([&, taken = std::move(buffer)]() mutable {
    const Buffer<float> own(1000);
    std::fill_n(taken.data(), 1000, 3.0F);
    {
      const Buffer<float> freed_here = std::move(taken);
    }
    theirs = cached_bytes();
    release_cached_memory();
    released = cached_bytes() == 0;
  }).join();
  CHECK(theirs == expected);
  CHECK(released);
  CHECK(cached_bytes() == 0);
}

TEST_CASE("a buffer may outlive the caches of the thread that made it", "[threads]") {
  Buffer<int> kept;
  std::thread([&] {
    kept = Buffer<int>(100);
    kept.data()[99] = 5;
  }).join();
  CHECK(kept.data()[99] == 5);
}

TEST_CASE("a thread may free buffers while it ends", "[threads]") {
  int freed = 0;
  std::thread([&] {
    struct Late {
      Buffer<int> buffer;
      int* count = nullptr;
      ~Late() { ++*count; }
    };
    thread_local Late late;  // made before the cache, so destroyed after it
    late.count = &freed;
    late.buffer = Buffer<int>(100);
  }).join();
  CHECK(freed == 1);
}

}  // namespace tessera
