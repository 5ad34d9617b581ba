#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::detail {

/// Time for which an idle thread waits awake before it sleeps. Found on Zen 4 with Linux 6
/// (benchmarks/cpp/threads_bench.cpp): to wake a sleeper takes 44 microseconds or more (median 66,
/// from notify_all until it runs), and the caller is busy for less than 50 between 98 of 100 loops
/// of MAE ViT-B/16, forward and training step, one image on two threads (median 3). Who waits awake
/// for as long as a wake-up takes loses at most twice what the better choice would have cost,
/// whenever the next loop comes.
inline constexpr std::chrono::microseconds awake_time{50};

/// Number of times that a waiting thread looks for news between two looks at the clock. The clock
/// takes 25 ns, as long as one pause on Zen 4 (26 ns; 140 cycles on Skylake): a thirtieth of the
/// waiting, and a thread falls asleep a microsecond or two late at most.
inline constexpr int looks_per_clock_reading = 32;

/// Tells the processor that this thread waits in a loop.
inline void pause_briefly() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Returns once `value` is not `old` any more: waits awake at first, then asleep. Whoever changes
/// the value must notify. What the changing thread wrote before, this thread sees after.
inline void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point bedtime = Clock::now() + awake_time;
  do {
    for (int look = 0; look < looks_per_clock_reading; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause_briefly();
    }
  } while (Clock::now() < bedtime);
  value.wait(old, std::memory_order_acquire);
}

/// Threads that help one thread, the caller, with its loops. A loop is a number of cells; caller
/// and workers take runs of neighboring cells until none is left.
///
/// The protocol, step by step, with the atomic that makes each step visible to the next:
///
///  1. The caller writes loop_ and unfinished_, then stores open_ = (number of the loop, cells that
///     nobody has taken), which PUBLISHES loop_ and unfinished_ to whoever takes a cell.
///  2. The caller stores started_ = number of the loop and notifies. It only WAKES workers: cells
///     are to be found in open_ alone, and a worker that sees them there earlier may begin.
///  3. A thread TAKES cells by lowering open_ (compare and swap, acquire). Only then may it read
///     loop_. The loop's number in open_ makes a late worker fail that would take cells by what it
///     read during an earlier loop; it reads open_ again.
///  4. The thread runs its cells and subtracts them from unfinished_ (release), which PUBLISHES
///     what they wrote. As long as it has not, run() stays, and loop_ stays as it is.
///  5. The caller reads unfinished_ == 0 (acquire) and returns. Subtractions by several threads
///     form one release sequence, so it sees what every cell wrote; and nobody reads loop_ now.
///
/// stopping_ is stored before started_ is raised a last time: a worker that wakes for it leaves.
/// busy_ guards against misuse alone and publishes nothing.
class ThreadTeam {
 public:
  /// Runs the cells [begin, end) of a loop. What it throws would end the program: parallel_for
  /// keeps exceptions of cells for later.
  using RunCells = void (*)(const void* loop, Index begin, Index end) noexcept;

  /// The highest number of cells that a loop may have: half of open_.
  static constexpr Index max_cells = std::numeric_limits<std::uint32_t>::max();

  /// Throws std::system_error if the system gives no more threads; then none is left running.
  explicit ThreadTeam(Index workers) {
    threads_.reserve(static_cast<std::size_t>(workers));
    try {
      for (Index i = 0; i < workers; ++i) threads_.emplace_back([this] { work_until_stopped(); });
    } catch (const std::system_error& error) {
      const Index started = this->workers();
      stop_workers();
      throw std::system_error(error.code(), concat("ExecutionScope: the system started only ",
                                                   started, " of ", workers, " worker threads"));
    } catch (...) {
      stop_workers();
      throw;
    }
  }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;
  ~ThreadTeam() { stop_workers(); }

  Index workers() const { return static_cast<Index>(threads_.size()); }

  /// True while a loop is running.
  bool busy() const { return busy_.load(std::memory_order_relaxed); }

  /// Calls run_cells(loop, begin, end) for runs that cover [0, cells) without overlap, from caller
  /// and workers; returns when all are done. Throws std::invalid_argument, and does nothing, if
  /// there are more than max_cells, or if a loop of this team is running: a second caller, or a
  /// cell that starts a loop on the team that runs it, would mix up two loops.
  void run(Index cells, RunCells run_cells, const void* loop) {
    constexpr std::string_view op = "ThreadTeam::run";
    if (cells > max_cells) refuse(op, "cells = ", cells, " must be at most ", max_cells);
    if (busy_.exchange(true, std::memory_order_relaxed)) {
      refuse(op, "the team is running a loop; it has one caller, and a cell may not call it again");
    }
    if (cells > 0) {
      publish({run_cells, loop, cells});
      take_and_run_cells();
      wait_until_finished();
    }
    busy_.store(false, std::memory_order_relaxed);
  }

 private:
  struct Loop {
    RunCells run_cells = nullptr;
    const void* loop = nullptr;
    Index cells = 0;
  };

  /// Steps 1 and 2 of the protocol.
  void publish(const Loop& loop) {
    const auto cells = static_cast<std::uint32_t>(loop.cells);
    const std::uint32_t number = started_.load(std::memory_order_relaxed) + 1;
    loop_ = loop;
    unfinished_.store(cells, std::memory_order_relaxed);
    open_.store(std::uint64_t{number} << 32 | cells, std::memory_order_release);
    started_.store(number, std::memory_order_release);
    started_.notify_all();
  }

  /// Steps 3 and 4 of the protocol, until no cell is left to take.
  void take_and_run_cells() {
    std::uint64_t open = open_.load(std::memory_order_acquire);
    while (const std::uint32_t untaken = cells_of(open)) {
      const std::uint32_t taken = cells_to_take(untaken);
      if (!open_.compare_exchange_weak(open, open - taken, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        continue;  // another thread was faster, or this is the next loop: `open` is as it is now
      }
      const Index begin = loop_.cells - static_cast<Index>(untaken);
      loop_.run_cells(loop_.loop, begin, begin + static_cast<Index>(taken));
      const std::uint32_t before = unfinished_.fetch_sub(taken, std::memory_order_acq_rel);
      if (before == taken) unfinished_.notify_all();
      open = open_.load(std::memory_order_acquire);
    }
  }

  /// Step 5 of the protocol.
  void wait_until_finished() {
    while (const std::uint32_t unfinished = unfinished_.load(std::memory_order_acquire)) {
      wait_for_change(unfinished_, unfinished);
    }
  }

  static std::uint32_t cells_of(std::uint64_t open) { return static_cast<std::uint32_t>(open); }

  /// Half of a thread's equal share of what is left: long runs at first, so that a thread mostly
  /// goes on with the neighbor of what it had, and single cells in the end, so that all threads
  /// finish at about the same time.
  std::uint32_t cells_to_take(std::uint32_t untaken) const {
    const auto threads = static_cast<std::uint32_t>(threads_.size()) + 1;
    return std::max(1U, untaken / (2 * threads));
  }

  void work_until_stopped() {
    std::uint32_t seen = 0;
    while (!stopping_.load(std::memory_order_acquire)) {
      take_and_run_cells();
      wait_for_change(started_, seen);
      seen = started_.load(std::memory_order_acquire);
    }
  }

  void stop_workers() noexcept {
    stopping_.store(true, std::memory_order_release);
    started_.fetch_add(1, std::memory_order_release);
    started_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  std::vector<std::thread> threads_;
  Loop loop_;                                 // the loop that runs now, or the last one
  std::atomic<std::uint64_t> open_{0};        // number of the loop << 32 | cells not yet taken
  std::atomic<std::uint32_t> unfinished_{0};  // cells not yet run
  std::atomic<std::uint32_t> started_{0};     // number of the loop that was started last
  std::atomic<bool> stopping_{false};
  std::atomic<bool> busy_{false};
};

}  // namespace tessera::detail
