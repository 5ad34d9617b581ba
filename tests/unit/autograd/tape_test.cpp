#include "tessera/autograd/tape.hpp"

#include <memory>
#include <optional>

#include "support/catch.hpp"
#include "support/throws.hpp"
#include "tessera/autograd/record.hpp"
#include "tessera/core/random/generator.hpp"

namespace tessera {

namespace {

using test::error_of;

/// The simplest operation: x -> factor * x, for tests of the tape alone.
template <class Scalar, int Rank>
Var<Scalar, Rank> times(const Var<Scalar, Rank>& x, Scalar factor) {
  Tensor<Scalar, Rank> y = x.value();
  y.array() *= factor;
  return record(
      "times", std::move(y),
      [dx = x.gradient(), factor](Tensor<Scalar, Rank> dy) {
        dy.array() *= factor;
        dx.add(std::move(dy));
      },
      x);
}

/// a, b -> a + b for numbers.
template <class Scalar>
Var<Scalar, 0> plus(const Var<Scalar, 0>& a, const Var<Scalar, 0>& b) {
  return record(
      "plus", Tensor<Scalar, 0>({}, a.value().item() + b.value().item()),
      [da = a.gradient(), db = b.gradient()](const Tensor<Scalar, 0>& dy) {
        da.add(dy);
        db.add(dy);
      },
      a, b);
}

/// Counts how many copies of itself are alive.
class Counted {
 public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

 private:
  int* alive_;
};

}  // namespace

TEMPLATE_TEST_CASE("gradients flow back and accumulate where a value is used twice", "", float,
                   double) {
  using Scalar = TestType;
  Tape<Scalar> tape;
  const Var<Scalar, 0> x = tape.variable(Tensor<Scalar, 0>({}, Scalar(2)));
  const Var<Scalar, 0> unused = tape.variable(Tensor<Scalar, 0>({}, Scalar(5)));
  const Var<Scalar, 0> tripled = times(x, Scalar(3));
  const Var<Scalar, 0> loss = plus(plus(tripled, tripled), times(x, Scalar(4)));
  CHECK(loss.value().item() == 20);
  CHECK(tape.gradient(x) == nullptr);  // not before backward
  tape.backward(loss);
  CHECK(tape.gradient(x)->item() == 10);
  CHECK(tape.gradient(unused) == nullptr);
  CHECK(tape.gradient(tripled) == nullptr);  // released: only variables and parameters keep theirs
  CHECK(tape.gradient(loss) == nullptr);
}

TEST_CASE("what leads nowhere gets no gradient and is not called") {
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 2.0));
  int calls = 0;
  const auto count_calls = [&calls](const Tensor<double, 0>&) { ++calls; };
  record("dead end", Tensor<double, 0>(), count_calls, x);
  const Var<double, 0> loss = record("end", Tensor<double, 0>(), count_calls, x);
  tape.backward(loss);
  CHECK(calls == 1);
}

TEST_CASE("a parameter is one entry, however often it is used") {
  Tape<double> tape;
  const Tensor<double, 0> weight({}, 3.0);
  const Tensor<double, 0> twin({}, 3.0);
  const Tensor<double, 0> stranger({}, 3.0);
  const Var<double, 0> first = tape.parameter(weight);
  const Var<double, 0> second = tape.parameter(weight);
  const Var<double, 0> third = tape.parameter(twin);  // equal, not the same
  CHECK(tape.entries() == 2);
  CHECK(tape.parameter_count() == 2);
  CHECK(first.node() == second.node());
  CHECK(first.node() != third.node());
  CHECK(&first.value() == &weight);
  CHECK(tape.has_parameter(&weight));
  CHECK_FALSE(tape.has_parameter(&stranger));
  CHECK(tape.gradient_values(&weight).empty());

  tape.backward(plus(times(first, 2.0), second));
  CHECK(tape.gradient(weight)->item() == 3);
  CHECK(tape.gradient(second)->item() == 3);
  CHECK(tape.gradient(twin) == nullptr);
  CHECK(tape.gradient(stranger) == nullptr);

  REQUIRE(tape.gradient_values(&weight).size() == 1);
  CHECK(std::as_const(tape).gradient_values(&weight)[0] == 3);
  CHECK(tape.gradient_values(&twin).empty());
  CHECK(tape.gradient_values(&stranger).empty());
  tape.gradient_values(&weight)[0] = 0.5;  // what clipping does
  CHECK(tape.gradient(weight)->item() == 0.5);
}

TEST_CASE("constants carry the tape on, and only what wants a gradient is recorded") {
  Tape<double> tape;
  const Var<double, 0> constant(Tensor<double, 0>({}, 2.0), &tape);
  const Var<double, 0> free(Tensor<double, 0>({}, 2.0));
  CHECK(times(free, 2.0).tape() == nullptr);
  const Var<double, 0> carried = plus(free, constant);
  CHECK(carried.tape() == &tape);
  CHECK_FALSE(carried.requires_grad());
  CHECK(tape.entries() == 0);

  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 1.0));
  const Var<double, 0> y = plus(plus(free, constant), x);
  CHECK(y.requires_grad());
  CHECK(tape.entries() == 2);
  tape.backward(y);
  CHECK(tape.gradient(x)->item() == 1);
  CHECK(tape.gradient(constant) == nullptr);
}

TEST_CASE("backward releases each closure as it passes it, and keeps the gradients") {
  int alive = 0;
  int seen_by_first = -1;
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 1.0));
  Var<double, 0> y = record(
      "first", Tensor<double, 0>(),
      [&, dx = x.gradient(), held = Counted(alive)](Tensor<double, 0> dy) {
        seen_by_first = alive;
        dx.add(std::move(dy));
      },
      x);
  for (int i = 0; i < 3; ++i) {
    y = record(
        "next", Tensor<double, 0>(),
        [dy = y.gradient(), held = Counted(alive)](Tensor<double, 0> dz) { dy.add(std::move(dz)); },
        y);
  }
  record("dead end", Tensor<double, 0>(), [held = Counted(alive)](const Tensor<double, 0>&) {}, x);
  CHECK(alive == 5);
  tape.backward(y);
  CHECK(seen_by_first == 1);  // the three later ones and the dead end were gone by then
  CHECK(alive == 0);
  CHECK(tape.gradient(x)->item() == 1);
}

TEST_CASE("captures are freed with the tape when backward never comes") {
  int alive = 0;
  const auto value = std::make_shared<const Tensor<double, 0>>();
  {
    Tape<double> tape;
    const Var<double, 0> x = tape.variable(Tensor<double, 0>());
    record("op", value, [held = Counted(alive), kept = value](const Tensor<double, 0>&) {}, x);
    CHECK(alive == 1);
    CHECK(value.use_count() == 2);
  }
  CHECK(alive == 0);
  CHECK(value.use_count() == 1);
}

TEST_CASE("a tape is walked once, and records nothing afterwards") {
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 1.0));
  const Var<double, 0> loss = times(x, 2.0);
  tape.backward(loss);
  const std::string again = "this tape was walked already; record a new one";
  CHECK(error_of([&] { tape.backward(loss); }) == "Tape::backward: " + again);
  CHECK(error_of([&] { times(x, 2.0); }) == "Tape: " + again);
  CHECK(error_of([&] { tape.variable(Tensor<double, 0>()); }) == "Tape: " + again);
  CHECK(error_of([&] { tape.parameter(loss.value()); }) == "Tape: " + again);
  CHECK(tape.gradient(x)->item() == 2);
  CHECK_FALSE(tape.has_parameter(&loss.value()));
}

TEST_CASE("backward wants a loss that was recorded on this tape") {
  Tape<double> tape;
  Tape<double> other;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 1.0));
  const Var<double, 0> loss = times(x, 2.0);
  const std::string text = "Tape::backward: the loss was not recorded on this tape";
  CHECK(error_of([&] { other.backward(loss); }) == text);
  CHECK(error_of([&] { tape.backward(Tensor<double, 0>({}, 1.0)); }) == text);
  CHECK(error_of([&] { tape.backward({Tensor<double, 0>({}, 1.0), &tape}); }) == text);
  CHECK(tape.gradient(x) == nullptr);
  tape.backward(loss);  // the refused calls did not use it up
  CHECK(tape.gradient(x)->item() == 2);
}

TEST_CASE("wrong tapes and shapes are refused") {
  Tape<double> tape;
  Tape<double> other;
  const Var<double, 0> a = tape.variable(Tensor<double, 0>());
  const Var<double, 0> b = other.variable(Tensor<double, 0>());
  const Var<double, 0> constant(Tensor<double, 0>(), &other);
  CHECK(error_of([&] { plus(a, b); }) == "plus: inputs are recorded on two different tapes");
  CHECK(error_of([&] { plus(a, constant); }) == "plus: inputs are recorded on two different tapes");
  CHECK(tape.entries() == 1);
  CHECK(other.entries() == 1);
  CHECK(error_of([&] { tape.gradient(b); }) == "Tape::gradient: the value belongs to another tape");
  CHECK(error_of([&] { tape.gradient(Var<double, 0>(Tensor<double, 0>())); }) ==
        "Tape::gradient: the value belongs to another tape");

  const Var<double, 2> x = tape.variable(Tensor<double, 2>({2, 3}));
  CHECK(error_of([&] { x.gradient().add(Tensor<double, 2>({3, 2})); }) ==
        "Tape::add_gradient: gradient [3, 2] does not match its value [2, 3]");
  CHECK(tape.gradient(x) == nullptr);
}

TEST_CASE("a tensor at the address of a parameter of another shape is refused") {
  Tape<double> tape;
  std::vector<Tensor<double, 1>> place{Tensor<double, 1>({2})};
  (void)tape.parameter(place[0]);
  place[0] = Tensor<double, 1>({3});
  CHECK(error_of([&] { (void)tape.parameter(place[0]); }) ==
        "Tape::parameter: parameter [3] has the address of [2], which was recorded before; "
        "parameters must outlive the tape");
  CHECK(error_of([&] { (void)tape.gradient(place[0]); }) ==
        "Tape::gradient: parameter [3] has the address of [2], which was recorded before; "
        "parameters must outlive the tape");
  CHECK(tape.parameter_count() == 1);
}

TEST_CASE("the loss may be a variable itself") {
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 7.0));
  tape.backward(x);
  CHECK(tape.gradient(x)->item() == 1);
}

TEST_CASE("backward hands gradients of parameters out once nothing reads the parameter any more") {
  Tensor<double, 0> shared({}, 3.0);
  Tensor<double, 0> late({}, 5.0);
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>({}, 2.0));
  const auto times_parameter = [&](const Var<double, 0>& in, const Tensor<double, 0>& weight) {
    const Var<double, 0> w = tape.parameter(weight);
    return record(
        "times", Tensor<double, 0>({}, in.value().item() * w.value().item()),
        [din = in.gradient(), dw = w.gradient(), a = in.shared(),
         b = w.shared()](const Tensor<double, 0>& dy) {
          din.add(Tensor<double, 0>({}, dy.item() * b->item()));
          dw.add(Tensor<double, 0>({}, dy.item() * a->item()));
        },
        in, w);
  };
  // x * shared * late * shared
  const auto loss = times_parameter(times_parameter(times_parameter(x, shared), late), shared);
  std::vector<std::pair<const void*, double>> taken;
  tape.backward(loss, [&](const void* parameter, std::span<const double> gradient) {
    taken.emplace_back(parameter, gradient[0]);
    (parameter == &shared ? shared : late).values()[0] = -1000;  // what is left does not see it
  });
  REQUIRE(taken.size() == 2);
  CHECK(taken[0] == std::pair<const void*, double>(&late, 2 * 3 * 3));
  CHECK(taken[1] == std::pair<const void*, double>(&shared, 2 * 2 * 3 * 5));
  CHECK(tape.gradient(shared) == nullptr);
  CHECK(tape.gradient_values(&late).empty());
  CHECK(tape.gradient(x)->item() == 3 * 5 * 3);
}

TEST_CASE("a tape lends its settings out") {
  Generator generator(3);
  CHECK_FALSE(Tape<double>().settings().recompute_blocks);
  CHECK_FALSE(Tape<double>(generator).settings().recompute_blocks);
  CHECK(Tape<double>({.recompute_blocks = true}).settings().recompute_blocks);
  CHECK(Tape<double>(generator, {.recompute_blocks = true}).settings().recompute_blocks);
}

TEST_CASE("a tape lends its generator out") {
  Generator generator(3);
  CHECK(Tape<double>().generator() == nullptr);
  CHECK(Tape<double>(generator).generator() == &generator);
}

TEST_CASE("a Var that outlives its tape keeps its value, and no operation takes it") {
  const std::string text =
      "Var: the tape that recorded this value has ended; a Var may be computed with only while its "
      "tape lives (its value() may be read and copied at any time)";
  std::optional<Var<double, 0>> kept;
  std::optional<Var<double, 0>> constant;
  {
    Tape<double> tape;
    kept = times(tape.variable(Tensor<double, 0>({}, 2.0)), 3.0);
    constant.emplace(Tensor<double, 0>({}, 5.0), &tape);
  }
  CHECK(kept->value().item() == 6);
  const Var<double, 0> copy = *kept;
  CHECK(copy.value().item() == 6);
  CHECK(error_of([&] { copy.tape(); }) == text);
  CHECK(error_of([&] { times(copy, 2.0); }) == text);
  CHECK(error_of([&] { times(*constant, 2.0); }) == text);
  CHECK(error_of([&] { copy.gradient(); }) == text);
  Tape<double> next;
  CHECK(error_of([&] { plus(next.variable(Tensor<double, 0>()), copy); }) == text);
  CHECK(error_of([&] { next.backward(copy); }) == text);
  CHECK(error_of([&] { next.gradient(copy); }) == text);
}

TEST_CASE("a tape where an ended one was is another tape") {
  std::optional<Tape<double>> place;
  place.emplace();
  const Var<double, 0> old = times(place->variable(Tensor<double, 0>({}, 2.0)), 3.0);
  place.reset();
  place.emplace();
  const Var<double, 0> x = place->variable(Tensor<double, 0>({}, 2.0));
  CHECK(x.tape() == &*place);
  CHECK_THROWS_AS(place->backward(old), std::invalid_argument);
  place->backward(times(x, 4.0));
  CHECK(place->gradient(x)->item() == 4);
}

TEST_CASE("backward refuses a parameter that moved since forward, and then can be called") {
  const std::string text =
      "Tape::backward: parameter 2 of 2, in the order of their first use, [2], is not where it was "
      "in forward: its model was moved, packed, loaded or destroyed in between; call backward "
      "before that";
  for (const bool frozen : {false, true}) {
    Tensor<double, 0> first({}, 3.0);
    Tensor<double, 1> second({2}, {3.0, 4.0});
    Tape<double> tape;
    const Var<double, 0> loss = times(tape.parameter(first), 2.0);
    const auto used = frozen ? tape.frozen_parameter(second) : tape.parameter(second);
    CHECK(used.requires_grad() != frozen);
    CHECK(tape.has_parameter(&second) != frozen);
    CHECK(tape.parameter_count() == (frozen ? 1 : 2));
    Tensor<double, 1> elsewhere = std::move(second);
    CHECK(error_of([&] { tape.backward(loss); }) == text);
    CHECK(tape.state() == TapeState::recording);
    second = Tensor<double, 1>({2}, {3.0, 4.0});  // equal, in memory of its own
    CHECK(error_of([&] { tape.backward(loss); }) == text);
    second = std::move(elsewhere);
    tape.backward(loss);
    CHECK(tape.gradient(first)->item() == 2);
  }
}

TEST_CASE("backward refuses a parameter that changed since forward, and then can be called") {
  for (const Index at : {0, 3, 7, 8}) {
    Tensor<float, 1> weight({9}, 1.5F);
    Tensor<float, 0> other({}, 1.0F);
    Tape<float> tape;
    (void)tape.parameter(weight);
    const Var<float, 0> loss = times(tape.parameter(other), 2.0F);
    weight(at) = 1.25F;
    CHECK(error_of([&] { tape.backward(loss); }) ==
          "Tape::backward: parameter 1 of 2, in the order of their first use, [9], has other "
          "values than in forward: its model was stepped, assigned, initialized or loaded in "
          "between; call backward before that, or record again");
    weight(at) = 1.5F;
    tape.backward(loss);
    CHECK(tape.gradient(other)->item() == 2);
  }
}

}  // namespace tessera
