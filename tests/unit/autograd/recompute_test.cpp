#include "tessera/autograd/recompute.hpp"

#include <stdexcept>

#include "support/catch.hpp"
#include "support/throws.hpp"
#include "tessera/autograd/record.hpp"

namespace tessera {

namespace {

using test::error_of;

/// x, w -> x * w elementwise, for tests of recompute alone.
template <class Scalar>
Var<Scalar, 1> product(const Var<Scalar, 1>& x, const Var<Scalar, 1>& w) {
  Tensor<Scalar, 1> y = x.value();
  y.array() *= w.value().array();
  return record(
      "product", std::move(y),
      [dx = x.gradient(), dw = w.gradient(), a = x.shared(),
       b = w.shared()](const Tensor<Scalar, 1>& dy) {
        const auto times = [&](const Tensor<Scalar, 1>& other) {
          Tensor<Scalar, 1> result = dy;
          result.array() *= other.array();
          return result;
        };
        dx.add(times(*b));
        dw.add(times(*a));
      },
      x, w);
}

template <class Scalar>
Var<Scalar, 0> sum(const Var<Scalar, 1>& x) {
  return record(
      "sum", Tensor<Scalar, 0>({}, x.value().array().sum()),
      [dx = x.gradient()](const Tensor<Scalar, 0>& dy) {
        dx.add(Tensor<Scalar, 1>(dx.shape(), dy.item()));
      },
      x);
}

/// A weight times x, twice, as two layers that share it; counts its calls.
template <class Scalar>
struct Twice {
  const Tensor<Scalar, 1>* weight;
  int* calls;

  Var<Scalar, 1> operator()(const Var<Scalar, 1>& x) const {
    ++*calls;
    const auto on = [&] { return x.tape()->parameter(*weight); };
    return product(product(x, on()), on());
  }
};

/// x times random numbers of the tape's generator.
Var<double, 1> noisy(const Var<double, 1>& x) {
  Tensor<double, 1> noise(x.shape());
  for (double& value : noise) value = x.tape()->generator()->uniform<double>();
  return product(x, Var<double, 1>(std::move(noise), x.tape()));
}

}  // namespace

TEMPLATE_TEST_CASE("recompute: values and gradients keep their bits, and f is called once more", "",
                   float, double) {
  using Scalar = TestType;
  const Tensor<Scalar, 1> weight({3}, {Scalar(0.1), Scalar(-0.7), Scalar(1.3)});
  const Tensor<Scalar, 1> input({3}, {Scalar(0.3), Scalar(2.1), Scalar(-0.9)});
  int calls = 0;
  const Twice<Scalar> twice{&weight, &calls};
  const auto run = [&](Tape<Scalar>& tape, const auto& f) {
    const Var<Scalar, 1> x = tape.variable(input);
    const Var<Scalar, 1> y = f(f(f(x)));  // one weight serves six times: sums have an order
    tape.backward(sum(y));
    return std::vector<Tensor<Scalar, 1>>{y.value(), *tape.gradient(x), *tape.gradient(weight)};
  };
  Tape<Scalar> plain;
  const auto expected = run(plain, twice);
  CHECK(calls == 3);
  calls = 0;
  Tape<Scalar> tape;
  CHECK(run(tape, [&](const auto& x) { return recompute(x, twice); }) == expected);
  CHECK(calls == 6);
  CHECK(tape.entries() == 6);  // x, the weight, three blocks and the sum
}

TEST_CASE("recompute: without a tape it is f(x), and where nothing is wanted nothing is recorded") {
  int calls = 0;
  const auto f = [&](const Var<double, 1>& x) {
    ++calls;
    return product(x, x);
  };
  const Tensor<double, 1> input({2}, {2.0, 3.0});
  CHECK(recompute(Var<double, 1>(input), f).value() == Tensor<double, 1>({2}, {4.0, 9.0}));
  Tape<double> tape;
  const auto y = recompute(Var<double, 1>(input, &tape), f);
  CHECK(y.tape() == &tape);
  CHECK_FALSE(y.requires_grad());
  CHECK(tape.entries() == 0);
  CHECK(calls == 2);
}

TEST_CASE("recompute: a parameter is enough, the input may be a constant") {
  const Tensor<double, 1> weight({1}, {3.0});
  int calls = 0;
  Tape<double> tape;
  const auto y = recompute(Var<double, 1>(Tensor<double, 1>({1}, {2.0}), &tape),
                           Twice<double>{&weight, &calls});
  CHECK(y.requires_grad());
  CHECK(tape.has_parameter(&weight));
  tape.backward(sum(y));
  CHECK(tape.gradient(weight)->values()[0] == 2 * 2.0 * 3.0);
}

TEST_CASE("recompute: what leads nowhere is not computed again") {
  const Tensor<double, 1> weight({1}, {3.0});
  int calls = 0;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  recompute(x, Twice<double>{&weight, &calls});
  tape.backward(sum(x));
  CHECK(calls == 1);
  CHECK(tape.gradient(weight) == nullptr);
}

TEST_CASE("recompute: the same random numbers are drawn, and the generator goes on as before") {
  const Tensor<double, 1> input({4}, {1.0, 2.0, 3.0, 4.0});
  const auto run = [&](Generator& generator, const auto& f) {
    Tape<double> tape(generator);
    const auto x = tape.variable(input);
    const auto y = f(f(x));
    const Generator after_forward = generator;
    tape.backward(sum(y));
    CHECK(generator.state() == after_forward.state());
    return *tape.gradient(x);
  };
  Generator first(7);
  Generator second(7);
  const auto expected = run(first, noisy);
  CHECK(run(second, [](const auto& x) { return recompute(x, noisy); }) == expected);
  CHECK(first.state() == second.state());
  CHECK(expected(0) != expected(1));
}

TEST_CASE("recompute: nests") {
  const Tensor<double, 1> weight({2}, {0.3, 0.7});
  int calls = 0;
  const Twice<double> inner{&weight, &calls};
  const auto run = [&](const auto& step) {
    Generator generator(3);
    Tape<double> tape(generator);
    const auto x = tape.variable(Tensor<double, 1>({2}, {1.0, 2.0}));
    tape.backward(sum(step(x)));
    return std::vector<Tensor<double, 1>>{*tape.gradient(x), *tape.gradient(weight)};
  };
  const auto expected = run([&](const auto& x) { return inner(noisy(inner(noisy(x)))); });
  calls = 0;
  const auto outer = [&](const Var<double, 1>& x) { return recompute(noisy(x), inner); };
  CHECK(run([&](const auto& x) { return recompute(recompute(x, outer), outer); }) == expected);
  CHECK(calls == 6);  // each block forward, again for the outer one, again for the inner one
}

TEST_CASE("recompute: only one call's values are alive at a time") {
  std::weak_ptr<const Tensor<double, 1>> inside;
  int alive_before = -1;
  const auto f = [&](const Var<double, 1>& x) {
    alive_before = static_cast<int>(inside.use_count());
    const auto half = product(x, x);
    inside = half.shared();
    return product(half, half);
  };
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  const auto y = recompute(recompute(x, f), f);
  CHECK(inside.use_count() == 0);  // while without recompute the second product keeps it
  tape.backward(sum(y));
  CHECK(alive_before == 0);
  CHECK(inside.use_count() == 0);
  CHECK(tape.gradient(x)->values()[0] == 16 * std::pow(2.0, 15));
}

TEST_CASE("recompute: another recorded value than x is refused, and the tape goes on") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  const auto z = tape.variable(Tensor<double, 1>({1}, {5.0}));
  const std::string text =
      "Tape: what backward computes again may use its input, constants and parameters, but no "
      "other "
      "value whose gradient is wanted";
  CHECK(error_of([&] { recompute(x, [&](const auto& in) { return product(in, z); }); }) == text);
  CHECK(error_of([&] {
          recompute(x, [&](const auto& in) {
            return product(in, tape.variable(Tensor<double, 1>({1}, {1.0})));
          });
        }) == text);
  CHECK(tape.state() == TapeState::recording);
  CHECK(tape.entries() == 2);
  tape.backward(sum(product(x, z)));
  CHECK(tape.gradient(x)->values()[0] == 5);
}

TEST_CASE("recompute: an exception in forward changes nothing") {
  Generator generator(3);
  Tape<double> tape(generator);
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  CHECK(error_of<std::runtime_error>([&] {
          recompute(
              x, [](const Var<double, 1>&) -> Var<double, 1> { throw std::runtime_error("no"); });
        }) == "no");
  CHECK(tape.state() == TapeState::recording);
  tape.backward(sum(recompute(x, noisy)));
  CHECK(tape.gradient(x) != nullptr);
}

TEST_CASE("recompute: an exception in backward leaves the tape walked, and nothing half recorded") {
  Generator generator(3);
  const Tensor<double, 1> weight({1}, {3.0});
  int calls = 0;
  bool fail = false;
  const auto f = [&](const Var<double, 1>& x) {
    const auto y = noisy(Twice<double>{&weight, &calls}(x));
    if (fail) throw std::runtime_error("no");
    return y;
  };
  {
    Tape<double> tape(generator);
    const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
    const auto y = recompute(recompute(x, f), f);
    const auto loss = sum(y);
    const Generator after_forward = generator;
    const std::size_t entries = tape.entries();
    fail = true;
    CHECK(error_of<std::runtime_error>([&] { tape.backward(loss); }) == "no");
    CHECK(tape.entries() == entries);
    CHECK(generator.state() == after_forward.state());
    CHECK(tape.state() == TapeState::walked);
    CHECK(tape.gradient(x) == nullptr);
    CHECK(tape.gradient(weight) == nullptr);
    CHECK(error_of([&] { tape.backward(loss); }) ==
          "Tape::backward: this tape was walked already; record a new one");
    CHECK(error_of([&] { product(x, x); }) ==
          "Tape: this tape was walked already; record a new one");
  }
  fail = false;
  Tape<double> next(generator);
  const auto x = next.variable(Tensor<double, 1>({1}, {2.0}));
  next.backward(sum(recompute(x, f)));
  CHECK(next.gradient(weight) != nullptr);
}

TEST_CASE("recompute: f may not use other parameters in backward than in forward") {
  const Tensor<double, 1> first({1}, {3.0});
  const Tensor<double, 1> second({1}, {4.0});
  const Tensor<double, 1>* used = &first;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  const auto loss =
      sum(recompute(x, [&](const auto& in) { return product(in, in.tape()->parameter(*used)); }));
  used = &second;
  CHECK(error_of([&] { tape.backward(loss); }) ==
        "Tape: this tape was walked already; record a new one");
  CHECK_FALSE(tape.has_parameter(&second));
}

TEST_CASE("recompute: precision and instruction set are those of forward") {
  std::vector<std::pair<MatmulPrecision, Isa>> seen;
  const auto f = [&](const Var<double, 1>& x) {
    seen.emplace_back(current_matmul_precision(), current_isa());
    return product(x, x);
  };
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double, 1>({1}, {2.0}));
  const auto loss = [&] {
    const ExecutionScope scope({.matmul_precision = MatmulPrecision::medium, .isa = Isa::baseline});
    return sum(recompute(x, f));
  }();
  tape.backward(loss);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == std::pair(MatmulPrecision::medium, Isa::baseline));
  CHECK(seen[1] == seen[0]);
  CHECK(current_matmul_precision() == MatmulPrecision::highest);
}

}  // namespace tessera
