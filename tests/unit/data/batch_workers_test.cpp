#include "tessera/data/batch_workers.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"

namespace tessera::data::detail::test {

namespace {

struct Numbers : RowsInWork {
  explicit Numbers(Index count, Index first)
      : RowsInWork(count), begin(first), values(count_of(count)) {}
  static std::size_t count_of(Index count) { return static_cast<std::size_t>(count); }

  Index begin;
  std::vector<Index> values;
};

void fill(RowsInWork& rows, Index row) {
  Numbers& numbers = static_cast<Numbers&>(rows);
  if (numbers.begin + row == 13) throw std::runtime_error("13");
  numbers.values[static_cast<std::size_t>(row)] = numbers.begin + row;
}

}  // namespace

TEST_CASE("every row is made once, by any number of threads", "[threads]") {
  for (const int threads : {0, 1, 3}) {
    RowWorkers workers(threads, fill);
    std::vector<std::shared_ptr<Numbers>> batches;
    for (Index b = 0; b < 5; ++b) {
      batches.push_back(std::make_shared<Numbers>(4, 4 * b));
      workers.add(batches.back());
    }
    for (Index b = 0; b < 5; ++b) {
      Numbers& batch = *batches[static_cast<std::size_t>(b)];
      workers.finish(batch);
      for (Index row = 0; row < 4; ++row) {
        const auto at = static_cast<std::size_t>(row);
        const bool broken = 4 * b + row == 13;
        CHECK((batch.errors[at] != nullptr) == broken);
        if (!broken) CHECK(batch.values[at] == 4 * b + row);
      }
    }
  }
}

TEST_CASE("a batch without rows is ready", "[threads]") {
  RowWorkers workers(2, fill);
  const auto batch = std::make_shared<Numbers>(0, 0);
  workers.add(batch);
  workers.finish(*batch);
  CHECK(batch->ready());
}

TEST_CASE("batches that are forgotten are not begun any more", "[threads]") {
  std::atomic<Index> made = 0;
  RowWorkers workers(2, [&](RowsInWork&, Index) {
    ++made;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  for (int i = 0; i < 100; ++i) workers.add(std::make_shared<Numbers>(10, 0));
  workers.forget_all();
  const auto wanted = std::make_shared<Numbers>(3, 0);
  workers.add(wanted);
  workers.finish(*wanted);
  CHECK(made < 500);
}

}  // namespace tessera::data::detail::test
