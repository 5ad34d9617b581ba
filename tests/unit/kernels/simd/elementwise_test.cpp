#include "tessera/kernels/simd/elementwise.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"

namespace tessera::kernels {

namespace {

constexpr std::size_t size = 40;

/// Adds 1 + 2 + ... + count, where the array reads as 100 beyond.
struct SumToCount {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* x, Index count, Scalar* sum) {
    *sum = sum_over<Vector>(
        count,
        [](const Vector& value, Vector& total) __attribute__((always_inline)) { total += value; },
        padded(x, Scalar(0)));
  }
};

}  // namespace

TEST_CASE("an elementwise kernel meets every element once and none beyond") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {0, 1, 15, 16, 33}) {
      const std::vector<float> x(size, 2.0F);
      std::vector<float> y(size, 1.0F);
      elementwise<float>(
          count, [](const auto& from, auto& to) __attribute__((always_inline)) { to = from + to; },
          x.data(), y.data());
      for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(y[i] == (i < static_cast<std::size_t>(count) ? 3.0F : 1.0F));
      }
    }
  }
}

TEMPLATE_TEST_CASE("an array is read, written or both, and may be absent", "", float, double) {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const std::vector<TestType> x(size, TestType(2));
    std::vector<TestType> y(size, TestType(7));
    std::vector<TestType> z(size, TestType(1));
    const auto formula = [](const auto& in, const auto& factor, auto& out, auto& more)
                             __attribute__((always_inline)) {
                               out = in * factor;
                               more += out;
                             };
    const TestType* nothing = nullptr;
    TestType* nowhere = nullptr;
    elementwise<TestType>(33, formula, x.data(), optional(nothing, TestType(5)), written(y.data()),
                          z.data());
    CHECK(y[32] == 10);
    CHECK(z[32] == 11);
    CHECK(y[33] == 7);
    CHECK(z[33] == 1);
    elementwise<TestType>(33, formula, x.data(), optional(x.data(), TestType(5)),
                          optional(written(nowhere), TestType(0)), z.data());
    CHECK(y[32] == 10);
    CHECK(z[32] == 15);
    elementwise<TestType>(33, formula, x.data(), x.data(), y.data(),
                          optional(nowhere, TestType(0)));
    CHECK(y[32] == 4);
  }
}

TEMPLATE_TEST_CASE("sum_over adds every element once and none beyond", "", float, double) {
  std::vector<TestType> x(200, TestType(100));
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {0, 1, 7, 8, 15, 16, 31, 32, 33, 64, 130}) {
      for (Index i = 0; i < count; ++i) x[static_cast<std::size_t>(i)] = TestType(i + 1);
      TestType sum = -1;
      run_vectorized<SumToCount, TestType>(x.data(), count, &sum);
      CHECK(sum == TestType(count * (count + 1) / 2));
    }
  }
}

TEST_CASE("padded arrays read as their fill beyond the last element") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {1, 5, 19}) {
      const std::vector<float> x(size, -3.0F);
      std::vector<float> found(16, 0.0F);
      elementwise<float>(
          count,
          [to = found.data()](const auto& value) __attribute__((always_inline)) {
            for (Index i = 0; i < lanes<std::decay_t<decltype(value)>>; ++i) to[i] = value[i];
          },
          padded(x.data(), 8.0F));
      const auto width = isa == Isa::baseline ? 4U : isa == Isa::avx2 ? 8U : 16U;
      const std::size_t last = (static_cast<std::size_t>(count) - 1) % width + 1;
      for (std::size_t i = 0; i < width; ++i) CHECK(found[i] == (i < last ? -3.0F : 8.0F));
    }
  }
}

}  // namespace tessera::kernels
