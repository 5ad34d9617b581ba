#include "tessera/core/threads/thread_team.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera::detail {

namespace {

/// Calls body(cell) through the team.
template <class Body>
void run(ThreadTeam& team, Index cells, const Body& body) {
  team.run(
      cells,
      [](const void* loop, Index begin, Index end) noexcept {
        for (Index cell = begin; cell < end; ++cell) (*static_cast<const Body*>(loop))(cell);
      },
      &body);
}

}  // namespace

TEST_CASE("a team works off every cell exactly once", "[threads]") {
  for (const Index workers : {0, 1, 3}) {
    ThreadTeam team(workers);
    CHECK(team.workers() == workers);
    for (const std::size_t cells : {0U, 1U, 2U, 1000U}) {
      std::vector<int> calls(cells);
      run(team, static_cast<Index>(cells),
          [&](Index cell) { ++calls[static_cast<std::size_t>(cell)]; });
      CHECK(calls == std::vector<int>(cells, 1));
    }
  }
}

TEST_CASE("each thread of a team goes through its cells upwards, in runs of neighbors",
          "[threads]") {
  ThreadTeam team(1);
  const std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 100; ++round) {
    std::vector<Index> callers, workers;
    run(team, 64, [&](Index cell) {
      (std::this_thread::get_id() == caller ? callers : workers).push_back(cell);
    });
    CHECK(callers.size() + workers.size() == 64);
    for (const std::vector<Index>& cells : {callers, workers}) {
      CHECK(std::is_sorted(cells.begin(), cells.end()));
      // The first run of 64 cells on two threads is a quarter of them.
      const auto cut = std::adjacent_find(
          cells.begin(), cells.end(), [](Index left, Index right) { return right != left + 1; });
      if (cells.empty() || cells.front() != 0) continue;
      CHECK(cut - cells.begin() >= 15);  // of the last cell of a run, or beyond
    }
  }
}

TEST_CASE("a team that fell asleep is woken, and so is who waits for it", "[threads]") {
  ThreadTeam team(2);
  const auto long_pause = std::chrono::milliseconds(5);
  for (int round = 0; round < 10; ++round) {
    std::this_thread::sleep_for(long_pause);  // the workers fall asleep
    std::atomic<int> calls{0};
    run(team, 3, [&](Index cell) {
      if (cell == round % 3) std::this_thread::sleep_for(long_pause);  // the others wait for this
      ++calls;
    });
    CHECK(calls == 3);
  }
}

TEST_CASE("a team serves many short rounds", "[threads]") {
  ThreadTeam team(3);
  std::atomic<Index> sum{0};
  for (int round = 0; round < 3000; ++round) run(team, 5, [&](Index cell) { sum += cell; });
  CHECK(sum == 3000 * 10);
}

TEST_CASE("a team has one caller at a time, and no cell may call it", "[threads]") {
  const std::string refusal =
      "ThreadTeam::run: the team is running a loop; it has one caller, and a cell may not call it "
      "again";
  ThreadTeam team(2);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> refused{0};
    std::atomic<int> calls{0};
    run(team, 6, [&](Index) {
      ++calls;
      refused += test::error_of([&] { run(team, 2, [&](Index) { ++calls; }); }) == refusal;
    });
    CHECK(refused == 6);
    CHECK(calls == 6);
  }
  std::atomic<bool> inside{false};
  std::atomic<bool> tried{false};
  std::string error;
  std::thread second([&] {
    while (!inside) std::this_thread::yield();
    error = test::error_of([&] { run(team, 2, [](Index) {}); });
    tried = true;
  });
  run(team, 1, [&](Index) {
    inside = true;
    while (!tried) std::this_thread::yield();
  });
  second.join();
  CHECK(error == refusal);
  CHECK_FALSE(team.busy());
}

TEST_CASE("a team refuses more cells than its protocol counts", "[threads]") {
  ThreadTeam team(1);
  CHECK(test::error_of([&] { run(team, ThreadTeam::max_cells + 1, [](Index) {}); }) ==
        "ThreadTeam::run: cells = 4294967296 must be at most 4294967295");
  CHECK_FALSE(team.busy());
}

TEST_CASE("teams come and go", "[threads]") {
  for (int i = 0; i < 50; ++i) {
    ThreadTeam idle(2);
    ThreadTeam team(2);
    std::atomic<int> calls{0};
    run(team, 3, [&](Index) { ++calls; });
    CHECK(calls == 3);
  }
}

}  // namespace tessera::detail
