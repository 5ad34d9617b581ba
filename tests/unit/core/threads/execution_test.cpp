#include "tessera/core/threads/execution.hpp"

#include <thread>

#include "support/catch.hpp"
#include "support/throws.hpp"

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

TEST_CASE("0 threads are as many as the machine has", "[threads]") {
  const ExecutionScope scope({.threads = 0});
  const auto hardware = static_cast<Index>(std::thread::hardware_concurrency());
  CHECK(current_threads() == (hardware > 0 ? hardware : 1));
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

}  // namespace tessera
