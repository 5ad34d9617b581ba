#include "tessera/core/threads/execution.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/throws.hpp"
#include "tessera/core/threads/parallel.hpp"

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace tessera {

TEST_CASE("without a scope one thread computes, in float32") {
  CHECK(current_threads() == 1);
  CHECK(current_matmul_precision() == MatmulPrecision::highest);
}

TEST_CASE("scopes nest and restore what was before", "[threads]") {
  {
    const ExecutionScope outer({.threads = 3, .matmul_precision = MatmulPrecision::high});
    CHECK(current_threads() == 3);
    CHECK(current_matmul_precision() == MatmulPrecision::high);
    {
      const ExecutionScope inner({.threads = 2, .matmul_precision = MatmulPrecision::medium});
      CHECK(current_threads() == 2);
      CHECK(current_matmul_precision() == MatmulPrecision::medium);
      const ExecutionScope innermost({});
      CHECK(current_threads() == 1);
      CHECK(current_matmul_precision() == MatmulPrecision::highest);
    }
    CHECK(current_threads() == 3);
    CHECK(current_matmul_precision() == MatmulPrecision::high);
  }
  CHECK(current_threads() == 1);
  CHECK(current_matmul_precision() == MatmulPrecision::highest);
}

TEST_CASE("a scope is left when an exception passes", "[threads]") {
  try {
    const ExecutionScope scope({.threads = 4});
    throw std::runtime_error("passing");
  } catch (const std::runtime_error&) {
  }
  CHECK(current_threads() == 1);
}

TEST_CASE("0 threads are as many as this thread may use", "[threads]") {
  const ExecutionScope scope({.threads = 0});
  CHECK(current_threads() == usable_processors());
}

TEST_CASE("a negative number of threads is refused and changes nothing", "[threads]") {
  const ExecutionScope scope({.threads = 2});
  CHECK(test::error_of([] { ExecutionScope({.threads = -2}); }) ==
        "ExecutionScope: threads = -2 is negative or above 4096");
  CHECK(test::error_of([] { ExecutionScope({.threads = 5000}); }) ==
        "ExecutionScope: threads = 5000 is negative or above 4096");
  CHECK(current_threads() == 2);
}

TEST_CASE("a scope is the calling thread's alone", "[threads]") {
  const ExecutionScope scope({.threads = 3, .matmul_precision = MatmulPrecision::medium});
  Index threads = 0;
  MatmulPrecision precision = MatmulPrecision::medium;
  std::thread([&] {
    threads = current_threads();
    precision = current_matmul_precision();
  }).join();
  CHECK(threads == 1);
  CHECK(precision == MatmulPrecision::highest);
}

TEST_CASE("a scope held on the heap may be replaced by the next one", "[threads]") {
  auto scope = std::make_unique<ExecutionScope>(ExecutionSettings{.threads = 2});
  scope = std::make_unique<ExecutionScope>(ExecutionSettings{.threads = 3});
  CHECK(current_threads() == 3);
  std::atomic<int> calls{0};
  parallel_for(4, [&](Index) { ++calls; });
  CHECK(calls == 4);
  scope.reset();
  CHECK(current_threads() == 1);
  parallel_for(4, [&](Index) { ++calls; });
  CHECK(calls == 8);
}

TEST_CASE("scopes end in any order, and the one that began last is in force", "[threads]") {
  std::array<std::optional<ExecutionScope>, 4> scopes;
  const auto begin = [&](Index threads) {
    scopes[static_cast<std::size_t>(threads) - 1].emplace(ExecutionSettings{.threads = threads});
  };
  const std::vector<std::vector<Index>> orders{{1, 2, 3}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}};
  for (const std::vector<Index>& order : orders) {
    std::vector<Index> alive{1, 2, 3};
    for (const Index each : alive) begin(each + 1);
    for (const Index ending : order) {
      scopes[static_cast<std::size_t>(ending)].reset();
      std::erase(alive, ending);
      CHECK(current_threads() == (alive.empty() ? 1 : alive.back() + 1));
      std::atomic<int> calls{0};
      parallel_for(5, [&](Index) { ++calls; });
      CHECK(calls == 5);
    }
  }
}

TEST_CASE("a scope that ends on another thread is over when its own one begins or ends a scope",
          "[threads]") {
  std::atomic<int> calls{0};
  auto scope = std::make_unique<ExecutionScope>(ExecutionSettings{.threads = 3});
  std::thread([&] {
    scope.reset();
    CHECK(current_threads() == 1);
  }).join();
  CHECK(current_threads() == 3);  // its team is still there
  parallel_for(4, [&](Index) { ++calls; });
  CHECK(calls == 4);
  {
    const ExecutionScope next({.threads = 2});
  }
  CHECK(current_threads() == 1);
}

TEST_CASE("a scope may outlive the thread that began it", "[threads]") {
  std::unique_ptr<ExecutionScope> scope;
  std::thread([&] {
    scope = std::make_unique<ExecutionScope>(ExecutionSettings{.threads = 3});
  }).join();
  CHECK(current_threads() == 1);
  scope.reset();
  CHECK(current_threads() == 1);
}

TEST_CASE("a scope within a cell gives the cell threads of its own", "[threads]") {
  const ExecutionScope scope({.threads = 2});
  std::atomic<int> calls{0};
  parallel_for(4, [&](Index) {
    {
      const ExecutionScope inner({.threads = 2});
      parallel_for(3, [&](Index) { ++calls; });
    }
    parallel_for(2, [&](Index) { ++calls; });  // on the cell's thread again, not on the team
  });
  CHECK(calls == 4 * 5);
}

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("where the system gives no more threads a scope throws and leaves none", "[threads]") {
  const ExecutionScope scope({.threads = 2});
  const pid_t child = fork();  // the limit is for a process of its own
  if (child == 0) {
    const rlimit memory{.rlim_cur = rlim_t{1} << 30, .rlim_max = rlim_t{1} << 30};
    setrlimit(RLIMIT_AS, &memory);  // a stack takes 8 MB
    int result = 1;
    try {
      const ExecutionScope too_many({.threads = 4000});
    } catch (const std::system_error& error) {
      const std::string text = error.what();
      const bool says_it = text.starts_with("ExecutionScope: the system started only ") &&
                           text.find(" of 3999 worker threads") != std::string::npos;
      result = says_it && current_threads() == 2 ? 0 : 2;
    }
    _exit(result);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif

}  // namespace tessera
