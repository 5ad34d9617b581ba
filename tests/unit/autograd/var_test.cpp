#include "tessera/autograd/var.hpp"

#include "support/catch.hpp"
#include "tessera/autograd/tape.hpp"

namespace tessera {

TEMPLATE_TEST_CASE("a tensor is a Var that records nothing", "", float, double) {
  const Tensor<TestType, 2> tensor({2, 3}, TestType(4));
  const Var<TestType, 2> var = tensor;
  CHECK(var.value() == tensor);
  CHECK(var.shape() == Shape<2>{2, 3});
  CHECK(var.dim(1) == 3);
  CHECK(var.tape() == nullptr);
  CHECK_FALSE(var.requires_grad());
  CHECK_FALSE(var.gradient().wanted());
  var.gradient().add(tensor);  // nobody asked: nothing happens
}

TEMPLATE_TEST_CASE("a constant carries the tape but wants no gradient", "", float, double) {
  Tape<TestType> tape;
  const Var<TestType, 1> var(Tensor<TestType, 1>({2}), &tape);
  CHECK(var.tape() == &tape);
  CHECK_FALSE(var.requires_grad());
  CHECK(tape.entries() == 0);
}

TEST_CASE("copies of a Var share the value, a borrowed one refers to the tensor itself") {
  Tensor<double, 1> tensor({2}, {1, 2});
  const double* memory = tensor.data();
  const Var<double, 1> borrowed = Var<double, 1>::borrowed(tensor);
  CHECK(borrowed.value().data() == memory);
  CHECK(&borrowed.value() == &tensor);

  const Var<double, 1> owner(std::move(tensor));
  CHECK(owner.value().data() == memory);  // moved in, not copied
  const Var<double, 1> copy = owner;
  CHECK(&copy.value() == &owner.value());
  CHECK(owner.shared().use_count() == 2);
}

TEST_CASE("a sink adds to the gradient of its Var") {
  Tape<double> tape;
  const Var<double, 1> x = tape.variable(Tensor<double, 1>({2}));
  const GradientSink<double, 1> sink = x.gradient();
  CHECK(sink.wanted());
  CHECK(sink.shape() == Shape<1>{2});
  sink.add(Tensor<double, 1>({2}, {1, 2}));
  sink.add(Tensor<double, 1>({2}, {10, 20}));
  CHECK(*tape.gradient(x) == Tensor<double, 1>({2}, {11, 22}));
}

TEST_CASE("gradient_of an input that is not there is not wanted") {
  Tape<double> tape;
  CHECK_FALSE(gradient_of(std::optional<Var<double, 1>>()).wanted());
  CHECK_FALSE(GradientSink<double, 2>().wanted());
  CHECK(gradient_of(std::optional(tape.variable(Tensor<double, 1>({2})))).wanted());
}

}  // namespace tessera
