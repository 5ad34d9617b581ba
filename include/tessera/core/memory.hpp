#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace tessera {

namespace detail {

inline constexpr std::size_t buffer_alignment = 64;  // one cache line, one AVX-512 register

// Under AddressSanitizer every block is its own, so that misuse is seen.
// g++ says so by a macro; asked first, as Eigen gives it a __has_feature that knows nothing.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool cache_buffers = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool cache_buffers = false;
#else
inline constexpr bool cache_buffers = true;
#endif
#else
inline constexpr bool cache_buffers = true;
#endif

enum class Fill { none, zeros };

/// Zeros of a large block come from the system, page by page when they are touched: a model that
/// weights are loaded into is not written twice. Before each block stands where the heap's began.
inline void* allocate_aligned(std::size_t bytes, Fill fill) {
  if constexpr (!cache_buffers) {
    void* const block = ::operator new(bytes, std::align_val_t{buffer_alignment});
    return fill == Fill::zeros ? std::memset(block, 0, bytes) : block;
  }
  const std::size_t all = bytes + buffer_alignment;  // the heap aligns to 16, so there is room
  void* const heap = fill == Fill::zeros ? std::calloc(all, 1) : std::malloc(all);
  if (heap == nullptr) throw std::bad_alloc();
  const auto past = reinterpret_cast<std::uintptr_t>(heap) % buffer_alignment;
  void** const block =
      reinterpret_cast<void**>(static_cast<std::byte*>(heap) + (buffer_alignment - past));
  block[-1] = heap;
  return block;
}

inline void free_aligned(void* block) noexcept {
  if constexpr (cache_buffers) {
    std::free(static_cast<void**>(block)[-1]);
  } else {
    ::operator delete(block, std::align_val_t{buffer_alignment});
  }
}

/// Freed blocks of one thread, kept by size class, so that a training step in its steady state
/// asks the system for nothing. A thread keeps no more blocks of a class than it has taken itself:
/// what it frees for others, such as a loader's batches, goes back to the system. Nor does it keep
/// more than max_cached_bytes, 2 GiB, which holds what a training step of MAE ViT-B/16 with eight
/// images frees and takes again; what would exceed it goes back as well.
class BufferCache {
 public:
  static constexpr std::size_t min_bytes = 256;
  static constexpr std::size_t max_cached_bytes = std::size_t{1} << 31;

  BufferCache() = default;
  BufferCache(const BufferCache&) = delete;
  BufferCache& operator=(const BufferCache&) = delete;
  ~BufferCache() { clear(); }

  /// Rounds up to a class: four steps between powers of two, so at most a fifth is slack.
  static std::size_t rounded(std::size_t bytes) {
    const std::size_t step = std::bit_floor(std::max(bytes, min_bytes)) / 4;
    return (std::max(bytes, min_bytes) + step - 1) / step * step;
  }

  void* take(std::size_t rounded_bytes, Fill fill = Fill::none) {
    Bin& bin = bins_[bin_of(rounded_bytes)];
    void* block = nullptr;
    if (bin.free.empty()) {
      block = allocate_aligned(rounded_bytes, fill);
    } else {
      block = bin.free.back();
      bin.free.pop_back();
      cached_bytes_ -= rounded_bytes;
      if (fill == Fill::zeros) std::memset(block, 0, rounded_bytes);
    }
    ++bin.taken;
    return block;
  }

  void give(void* block, std::size_t rounded_bytes) noexcept {
    Bin& bin = bins_[bin_of(rounded_bytes)];
    const bool own = bin.taken > 0;
    if (own) --bin.taken;
    if (!own || cached_bytes_ + rounded_bytes > max_cached_bytes) return free_aligned(block);
    try {
      bin.free.push_back(block);
      cached_bytes_ += rounded_bytes;
    } catch (...) {
      free_aligned(block);
    }
  }

  void clear() noexcept {
    for (Bin& bin : bins_) {
      for (void* block : bin.free) free_aligned(block);
      bin.free.clear();
    }
    cached_bytes_ = 0;
  }

  std::size_t cached_bytes() const { return cached_bytes_; }

 private:
  static std::size_t bin_of(std::size_t rounded_bytes) {
    const auto exponent = static_cast<std::size_t>(std::numeric_limits<std::size_t>::digits - 1 -
                                                   std::countl_zero(rounded_bytes));
    const std::size_t quarter = (rounded_bytes >> (exponent - 2)) & 3;
    return 4 * exponent + quarter;
  }

  struct Bin {
    std::vector<void*> free;
    std::size_t taken = 0;  // blocks taken and not given back yet
  };

  std::array<Bin, 4 * 64> bins_;
  std::size_t cached_bytes_ = 0;
};

/// The calling thread's cache, or null once that thread has begun to end.
inline BufferCache* buffer_cache() {
  struct Holder {
    BufferCache cache;
    bool* alive;
    explicit Holder(bool* flag) : alive(flag) { *alive = true; }
    ~Holder() { *alive = false; }
  };
  thread_local bool alive = true;  // trivially destroyed, so it outlives the holder
  if (!alive) return nullptr;
  thread_local Holder holder(&alive);
  return &holder.cache;
}

// Out of line: every tensor in every operation takes and gives memory.
[[gnu::noinline]] inline void* take_block(std::size_t bytes, Fill fill = Fill::none) {
  bytes = BufferCache::rounded(bytes);
  BufferCache* cache = cache_buffers ? buffer_cache() : nullptr;
  return cache ? cache->take(bytes, fill) : allocate_aligned(bytes, fill);
}

[[gnu::noinline]] inline void give_block(void* block, std::size_t bytes) noexcept {
  BufferCache* cache = cache_buffers ? buffer_cache() : nullptr;
  if (cache == nullptr) return free_aligned(block);
  cache->give(block, BufferCache::rounded(bytes));
}

}  // namespace detail

/// Keeps memory that something else than a Buffer has, such as a mapped file, until a Buffer that
/// uses it ends.
class MemoryOwner {
 public:
  MemoryOwner() = default;
  MemoryOwner(const MemoryOwner&) = delete;
  MemoryOwner& operator=(const MemoryOwner&) = delete;
  virtual ~MemoryOwner() = default;
};

namespace detail {

[[gnu::noinline]] inline void end_memory(void* data, std::size_t bytes,
                                         MemoryOwner* owner) noexcept {
  if (owner == nullptr) return give_block(data, bytes);
  delete owner;
}

}  // namespace detail

/// Gives the calling thread's cached blocks back to the system. Every thread that has computed
/// keeps what it freed, up to 2 GiB, until it ends or calls this: worth it between phases of a
/// program, such as after training and before something else that needs memory.
///
///     train(mae);
///     release_cached_memory();
inline void release_cached_memory() {
  if (detail::BufferCache* cache = detail::buffer_cache()) cache->clear();
}

/// Standard containers and shared pointers in blocks of the same cache: what operations make beside
/// tensors.
template <class T>
struct CachedAllocator {
  using value_type = T;

  CachedAllocator() = default;
  template <class Other>
  CachedAllocator(const CachedAllocator<Other>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > (std::size_t{1} << 60) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(detail::take_block(count * sizeof(T)));
  }
  void deallocate(T* block, std::size_t count) noexcept {
    detail::give_block(block, count * sizeof(T));
  }

  template <class Other>
  bool operator==(const CachedAllocator<Other>&) const noexcept {
    return true;
  }
};

template <class T>
using CachedVector = std::vector<T, CachedAllocator<T>>;

/// Owning memory for `size` trivially copyable elements: 64-byte aligned and uninitialized, unless
/// it is somebody else's.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : Buffer(size, detail::Fill::none) {}
  /// Uses `data` and keeps its owner, neither of which may be null. A copy has memory of its own.
  Buffer(T* data, std::size_t size, std::unique_ptr<MemoryOwner> owner)
      : data_(data), size_(size), owner_(owner.release()) {}

  /// All bytes zero.
  static Buffer zeros(std::size_t size) { return Buffer(size, detail::Fill::zeros); }

  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        owner_(std::exchange(other.owner_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    std::swap(owner_, taken.owner_);
    return *this;
  }
  Buffer(const Buffer& other) : Buffer(other.size_) { std::copy_n(other.data_, size_, data_); }
  Buffer& operator=(const Buffer& other) {
    if (this == &other) return *this;
    if (size_ != other.size_) return *this = Buffer(other);
    std::copy_n(other.data_, size_, data_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) detail::end_memory(data_, size_ * sizeof(T), owner_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  Buffer(std::size_t size, detail::Fill fill) : size_(size) {
    if (size == 0) return;
    if (size > (std::size_t{1} << 60) / sizeof(T)) throw std::bad_array_new_length();
    data_ = static_cast<T*>(detail::take_block(size * sizeof(T), fill));
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  MemoryOwner* owner_ = nullptr;  // null: a block of the cache
};

}  // namespace tessera
