#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "tessera/core/shape.hpp"

namespace tessera::detail {

/// Tells the processor that it waits in a loop.
inline void pause_briefly() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Until value != old: awake for 50 microseconds, as the next loop of a model mostly begins before
/// a sleeper would be up; asleep after that.
inline void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point sleepy = Clock::now() + std::chrono::microseconds(50);
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause_briefly();
    }
  } while (Clock::now() < sleepy);
  value.wait(old, std::memory_order_acquire);
}

/// Workers that help one thread with its loops. A loop is a number of cells; whoever is free
/// takes the next one. Idle workers sleep after 50 microseconds.
class ThreadTeam {
 public:
  explicit ThreadTeam(Index workers) {
    threads_.reserve(static_cast<std::size_t>(workers));
    try {
      for (Index i = 0; i < workers; ++i) threads_.emplace_back([this] { serve(); });
    } catch (...) {
      dismiss();
      throw;
    }
  }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;
  ~ThreadTeam() { dismiss(); }

  Index workers() const { return static_cast<Index>(threads_.size()); }

  /// Calls body(context, cell) once for every cell in [0, cells), cells < 2^32, from any of the
  /// threads; returns when all are done. The first exception is thrown again here.
  void run(std::uint32_t cells, void (*body)(const void*, Index), const void* context) {
    body_ = body;
    context_ = context;
    cells_ = static_cast<Index>(cells);
    pending_.store(cells, std::memory_order_relaxed);
    const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
    ticket_.store(std::uint64_t{round} << 32 | cells, std::memory_order_release);
    round_.store(round, std::memory_order_release);
    round_.notify_all();
    drain();
    for (std::uint32_t left = pending_.load(std::memory_order_acquire); left > 0;
         left = pending_.load(std::memory_order_acquire)) {
      wait_for_change(pending_, left);
    }
    if (failed_.exchange(false, std::memory_order_acq_rel)) {
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }

 private:
  /// Takes cells until none is left: many at first and single ones in the end, in their order, so
  /// that a thread mostly goes on with the neighbour of what it had. A ticket names its round, so a
  /// late worker cannot take a cell of a loop that has ended; whoever holds a cell keeps its loop
  /// alive.
  void drain() {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    for (std::uint32_t left = cells_left(ticket); left > 0; left = cells_left(ticket)) {
      const auto threads = static_cast<std::uint32_t>(threads_.size()) + 1;
      const std::uint32_t taken = std::max(1U, left / (2 * threads));
      if (!ticket_.compare_exchange_weak(ticket, ticket - taken, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        continue;
      }
      const Index first = cells_ - static_cast<Index>(left);
      for (Index cell = first; cell < first + static_cast<Index>(taken); ++cell) call(cell);
      if (pending_.fetch_sub(taken, std::memory_order_acq_rel) == taken) pending_.notify_all();
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  static std::uint32_t cells_left(std::uint64_t ticket) {
    return static_cast<std::uint32_t>(ticket & 0xffffffffU);
  }

  void call(Index cell) {
    try {
      body_(context_, cell);
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_acq_rel)) failure_ = std::current_exception();
    }
  }

  void serve() {
    std::uint32_t seen = 0;
    while (!stop_.load(std::memory_order_acquire)) {
      drain();
      wait_for_change(round_, seen);
      seen = round_.load(std::memory_order_acquire);
    }
  }

  void dismiss() noexcept {
    stop_.store(true, std::memory_order_release);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> ticket_{0};  // round << 32 | cells not yet taken
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> pending_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
  void (*body_)(const void*, Index) = nullptr;
  const void* context_ = nullptr;
  Index cells_ = 0;
};

}  // namespace tessera::detail
