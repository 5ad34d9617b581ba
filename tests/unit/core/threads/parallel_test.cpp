#include "tessera/core/threads/parallel.hpp"

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

namespace {

std::vector<int> calls_per_cell(Index cells) {
  std::vector<int> calls(static_cast<std::size_t>(cells));
  parallel_for(cells, [&](Index cell) { ++calls[static_cast<std::size_t>(cell)]; });
  return calls;
}

}  // namespace

TEST_CASE("parallel_for calls every cell once", "[threads]") {
  for (const Index threads : {1, 2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    for (const Index cells : {0, 1, 2, 3, 100}) {
      CHECK(calls_per_cell(cells) == std::vector<int>(static_cast<std::size_t>(cells), 1));
    }
  }
  CHECK(calls_per_cell(10) == std::vector<int>(10, 1));
  parallel_for(-3, [](Index) { FAIL("a negative number of cells has none"); });
}

TEST_CASE("parallel_ranges cuts into pieces of the grain, the last one shorter", "[threads]") {
  for (const Index threads : {1, 3}) {
    const ExecutionScope scope({.threads = threads});
    std::vector<std::pair<Index, Index>> pieces(4);
    parallel_ranges(10, 3, [&](Index begin, Index end) {
      pieces[static_cast<std::size_t>(begin / 3)] = {begin, end};
    });
    CHECK(pieces == std::vector<std::pair<Index, Index>>{{0, 3}, {3, 6}, {6, 9}, {9, 10}});
    parallel_ranges(0, 3, [](Index, Index) { FAIL("nothing has no pieces"); });
  }
}

TEST_CASE("cells run on as many threads as the scope has", "[threads]") {
  const ExecutionScope scope({.threads = 3});
  std::atomic<int> here{0};
  std::vector<std::thread::id> ids(3);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  parallel_for(3, [&](Index cell) {
    ids[static_cast<std::size_t>(cell)] = std::this_thread::get_id();
    ++here;  // waits for the others: only three threads get past this
    while (here < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  CHECK(std::set<std::thread::id>(ids.begin(), ids.end()).size() == 3);
}

TEST_CASE("without a scope everything runs on the calling thread") {
  std::set<std::thread::id> ids;
  parallel_for(50, [&](Index) { ids.insert(std::this_thread::get_id()); });
  CHECK(ids == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("a loop inside a cell runs where it stands", "[threads]") {
  const ExecutionScope scope({.threads = 3});
  std::vector<int> sums(6);
  std::atomic<int> wrong{0};
  parallel_for(6, [&](Index outer) {
    const std::thread::id id = std::this_thread::get_id();
    wrong += current_threads() != 1;
    parallel_for(7, [&](Index inner) {
      wrong += std::this_thread::get_id() != id;
      sums[static_cast<std::size_t>(outer)] += static_cast<int>(inner);
    });
  });
  CHECK(wrong == 0);
  CHECK(sums == std::vector<int>(6, 21));
  CHECK(current_threads() == 3);
}

TEST_CASE("cells see the matmul precision of the scope", "[threads]") {
  const ExecutionScope scope({.threads = 3, .matmul_precision = MatmulPrecision::medium});
  std::atomic<int> seen{0};
  parallel_for(40, [&](Index) { seen += current_matmul_precision() == MatmulPrecision::medium; });
  CHECK(seen == 40);
}

TEST_CASE("an exception in a cell comes out of parallel_for", "[threads]") {
  for (const Index threads : {1, 2, 4}) {
    const ExecutionScope scope({.threads = threads});
    for (int round = 0; round < 20; ++round) {
      std::string caught;
      try {
        parallel_for(10, [&](Index cell) {
          parallel_for(2, [&](Index) {
            if (cell == 7) throw std::domain_error("cell 7");
          });
        });
      } catch (const std::domain_error& error) {
        caught = error.what();
      }
      CHECK(caught == "cell 7");
      CHECK(current_threads() == threads);
    }
    CHECK(calls_per_cell(30) == std::vector<int>(30, 1));
  }
}

TEST_CASE("an exception is passed on, the loop is finished and the team stays usable",
          "[threads]") {
  for (const Index threads : {1, 3}) {
    const ExecutionScope scope({.threads = threads});
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> calls{0};
      std::string caught;
      try {
        parallel_for(20, [&](Index cell) {
          ++calls;
          if (cell % 3 == 0) throw std::runtime_error("a cell failed");
        });
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      CHECK(caught == "a cell failed");
      CHECK(calls == 20);
    }
    std::atomic<int> calls{0};
    parallel_for(20, [&](Index) { ++calls; });
    CHECK(calls == 20);
  }
}

TEST_CASE("of several exceptions the first one, by cells, is thrown on, for any threads",
          "[threads]") {
  for (const Index threads : {1, 2, 4}) {
    const ExecutionScope scope({.threads = threads});
    for (int round = 0; round < 50; ++round) {
      std::string caught;
      std::vector<int> calls(40);
      try {
        parallel_for(40, [&](Index cell) {
          ++calls[static_cast<std::size_t>(cell)];
          if (cell < 5) return;
          if (cell == 5) std::this_thread::yield();  // so that others fail sooner
          throw std::domain_error("cell " + std::to_string(cell));
        });
      } catch (const std::domain_error& error) {
        caught = error.what();
      }
      CHECK(caught == "cell 5");
      CHECK(calls == std::vector<int>(40, 1));
    }
  }
}

TEST_CASE("a grain that is not positive is refused", "[threads]") {
  const auto no_call = [](Index, Index) { FAIL("nothing may be called"); };
  CHECK(test::error_of([&] { parallel_ranges(10, 0, no_call); }) ==
        "parallel_ranges: grain = 0 must be positive");
  CHECK(test::error_of([&] { parallel_ranges(10, -4, no_call); }) ==
        "parallel_ranges: grain = -4 must be positive");
  parallel_ranges(-3, 4, no_call);
  Index pieces = 0;
  constexpr Index most = std::numeric_limits<Index>::max();
  parallel_ranges(most, most - 1, [&](Index, Index end) { pieces += end == most ? 10 : 1; });
  CHECK(pieces == 11);
}

TEST_CASE("a scope that ends within its own loop, on any thread, does so after the loop",
          "[threads]") {
  for (const Index ending_cell : {0, 5}) {
    auto scope = std::make_unique<ExecutionScope>(ExecutionSettings{.threads = 3});
    std::atomic<int> calls{0};
    parallel_for(6, [&](Index cell) {
      ++calls;
      if (cell == ending_cell) scope.reset();
    });
    CHECK(calls == 6);
    const ExecutionScope next({.threads = 2});  // its thread begins a scope: the old one is over
    CHECK(current_threads() == 2);
    CHECK(calls_per_cell(10) == std::vector<int>(10, 1));
  }
  CHECK(current_threads() == 1);
}

TEST_CASE("threads with scopes of their own do not meet", "[threads]") {
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (Index count = 1; count <= 4; ++count) {
    threads.emplace_back([&right, count] {
      const ExecutionScope scope({.threads = count});
      for (int round = 0; round < 50; ++round) {
        right += calls_per_cell(9) == std::vector<int>(9, 1) && current_threads() == count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 200);
}

}  // namespace tessera
