#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tessera/core/shape.hpp"

namespace tessera::data::detail {

/// Rows of a batch that are being made. Derive from it to say of what.
struct RowsInWork {
  explicit RowsInWork(Index count) : rows(count), errors(static_cast<std::size_t>(count)) {}
  virtual ~RowsInWork() = default;
  RowsInWork(const RowsInWork&) = delete;
  RowsInWork& operator=(const RowsInWork&) = delete;

  const Index rows;

  // Guarded by the mutex of RowWorkers.
  Index next_row = 0;                      // the first row that nobody has begun
  Index made = 0;                          // rows that are finished, well or not
  std::vector<std::exception_ptr> errors;  // by row; null for a row that is well

  bool ready() const { return made == rows; }
};

/// Threads that make the rows of batches, earlier batches first. The caller, one thread, adds
/// batches and finishes them.
///
/// The protocol: one mutex guards the queue and the counters of every batch in work. A thread takes
/// the number of a row under it, makes the row without it, and counts the row as made under it
/// again; so whoever sees ready() under the mutex sees all rows. A batch that nobody wants any more
/// leaves the queue; rows of it in work are finished and thrown away with the last pointer to it.
class RowWorkers {
 public:
  using MakeRow = std::function<void(RowsInWork&, Index row)>;

  RowWorkers(int threads, MakeRow make_row) : make_row_(std::move(make_row)) {
    threads_.reserve(static_cast<std::size_t>(threads));
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~RowWorkers() { stop(); }
  RowWorkers(const RowWorkers&) = delete;
  RowWorkers& operator=(const RowWorkers&) = delete;

  void add(std::shared_ptr<RowsInWork> batch) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(batch));
    work_waits_.notify_all();
  }

  /// Nothing that is not begun yet is begun.
  void forget_all() {
    const std::lock_guard lock(mutex_);
    queue_.clear();
  }

  /// Until every row of the batch is made. The caller makes rows too while it has to wait, so that
  /// this also works without threads.
  void finish(RowsInWork& batch) {
    std::unique_lock lock(mutex_);
    while (!batch.ready()) {
      if (batch.next_row < batch.rows) {
        make_next_row(batch, lock);
      } else {
        row_made_.wait(lock);
      }
    }
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      while (!queue_.empty() && queue_.front()->next_row == queue_.front()->rows) {
        queue_.pop_front();
      }
      if (stopping_) return;
      if (queue_.empty()) {
        work_waits_.wait(lock);
      } else {
        const std::shared_ptr<RowsInWork> batch = queue_.front();
        make_next_row(*batch, lock);
      }
    }
  }

  void make_next_row(RowsInWork& batch, std::unique_lock<std::mutex>& lock) {
    const Index row = batch.next_row++;
    lock.unlock();
    std::exception_ptr error;
    try {
      make_row_(batch, row);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    batch.errors[static_cast<std::size_t>(row)] = error;
    ++batch.made;
    row_made_.notify_all();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      work_waits_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  MakeRow make_row_;
  std::mutex mutex_;
  std::condition_variable work_waits_;
  std::condition_variable row_made_;
  std::deque<std::shared_ptr<RowsInWork>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tessera::data::detail
