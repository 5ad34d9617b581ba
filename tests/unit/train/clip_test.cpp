#include "tessera/train/clip.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/add.hpp"

namespace tessera::test {
namespace {

struct Toy {
  using scalar_type = double;

  Toy() {
    a.value = Tensor<double, 1>({2});
    b.value = Tensor<double, 2>({1, 1});
    idle.value = Tensor<double, 1>({3});
  }

  Parameter<double, 1> a;
  Parameter<double, 2> b;
  Parameter<double, 1> idle;

  static void visit(auto& self, auto&& visitor) {
    visitor("a", self.a);
    visitor("b", self.b);
    visitor("idle", self.idle);
  }

  /// Leaves the gradients a = (first, 4) and b = 12 in the tape.
  void record(Tape<double>& tape, double first = 3) const {
    tape.backward(add(weighted_sum(a.on(&tape), Tensor<double, 1>({2}, {first, 4})),
                      weighted_sum(b.on(&tape), Tensor<double, 2>({1, 1}, {12}))));
  }
};

std::vector<double> gradients(const Toy& toy, const Tape<double>& tape) {
  std::vector<double> found;
  for (const auto& parameter : named_parameters(toy)) {
    const auto values = tape.gradient_values(parameter.key);
    found.insert(found.end(), values.begin(), values.end());
  }
  return found;
}

TEST_CASE("grad_norm: of all gradients together") {
  const Toy toy;
  Tape<double> tape;
  toy.record(tape);
  CHECK(grad_norm(toy, tape) == 13);
}

TEST_CASE("clip_grad_norm: scales down what is too long and returns the norm before") {
  const Toy toy;
  Tape<double> tape;
  toy.record(tape);
  CHECK(clip_grad_norm(toy, tape, 6.5) == 13);
  const double factor = 6.5 / (13 + 1e-6);
  CHECK(gradients(toy, tape) == std::vector<double>{3 * factor, 4 * factor, 12 * factor});
  CHECK(grad_norm(toy, tape) == near_relative(6.5, 1e-6));
}

TEST_CASE("clip_grad_norm: leaves what is short enough, also without a bound") {
  const Toy toy;
  Tape<double> tape;
  toy.record(tape);
  CHECK(clip_grad_norm(toy, tape, 14) == 13);
  CHECK(clip_grad_norm(toy, tape, std::numeric_limits<double>::infinity()) == 13);
  CHECK(gradients(toy, tape) == std::vector<double>{3, 4, 12});
}

TEST_CASE("clip_grad_norm: a tape without gradients of the model is refused") {
  const Toy toy;
  Tape<double> tape;
  CHECK(error_of([&] { clip_grad_norm(toy, tape, 1); }) ==
        "grad_norm: the tape holds no gradient of this model");
  toy.record(tape);
  const Toy other;
  CHECK(error_of([&] { clip_grad_norm(other, tape, 1); }) ==
        "grad_norm: the tape holds no gradient of this model");
}

TEST_CASE("clip_grad_norm: refuses and changes nothing") {
  const Toy toy;
  Tape<double> tape;
  toy.record(tape);
  for (const auto& [max_norm, text] :
       std::vector<std::pair<double, std::string>>{{0, "0"}, {-1, "-1"}, {std::nan(""), "nan"}}) {
    CHECK(error_of([&, max_norm = max_norm] { clip_grad_norm(toy, tape, max_norm); }) ==
          "clip_grad_norm: max_norm = " + text + " must be positive");
  }
  CHECK(gradients(toy, tape) == std::vector<double>{3, 4, 12});

  Tape<double> broken;
  toy.record(broken, std::nan(""));
  CHECK(error_of([&] { clip_grad_norm(toy, broken, 1); }) ==
        "clip_grad_norm: the gradient's norm is nan");
  CHECK(gradients(toy, broken)[1] == 4);
  Tape<double> huge;
  toy.record(huge, std::numeric_limits<double>::infinity());
  CHECK(error_of([&] { clip_grad_norm(toy, huge, 1); }) ==
        "clip_grad_norm: the gradient's norm is inf");
  CHECK(gradients(toy, huge)[2] == 12);
}

TEST_CASE("clip_grad_norm: whichever call for memory fails, nothing is changed") {
  const Toy toy;
  Tape<double> tape;
  toy.record(tape);
  const std::size_t failed = fail_each_call([&] { clip_grad_norm(toy, tape, 6.5); },
                                            [&] { CHECK(grad_norm(toy, tape) == 13); });
  CHECK((failed > 3 || heap_use().calls == 0));
  CHECK(grad_norm(toy, tape) == near_relative(6.5, 1e-6));
}

}  // namespace
}  // namespace tessera::test
