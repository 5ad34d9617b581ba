#include "tessera/autograd/record.hpp"

#include <memory>
#include <optional>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

namespace {

using test::error_of;

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

TEST_CASE("an optional input that is not there has neither tape nor gradient") {
  Tape<double> tape;
  const Var<double, 0> x = tape.variable(Tensor<double, 0>());
  const std::optional<Var<double, 1>> none;
  const auto nothing = [](const Tensor<double, 0>&) {};
  CHECK(record("op", Tensor<double, 0>(), nothing, none).tape() == nullptr);
  CHECK(record("op", Tensor<double, 0>(), nothing, none, x).requires_grad());
  CHECK(record("op", Tensor<double, 0>(), nothing, std::optional(x)).requires_grad());
}

TEST_CASE("a closure that is not recorded is dropped at once") {
  int alive = 0;
  const Var<double, 0> constant = Tensor<double, 0>();
  record("op", Tensor<double, 0>(), [held = Counted(alive)](const Tensor<double, 0>&) {}, constant);
  CHECK(alive == 0);
}

TEST_CASE("record refuses a value that was moved into its closure") {
  Tape<double> tape;
  const Var<double, 2> x = tape.variable(Tensor<double, 2>({2, 3}, 1.0));
  const auto closure = [](const auto&) {};
  Tensor<double, 2> y({2, 3}, 2.0);
  const Tensor<double, 2> moved_into = std::move(y);
  const std::string text =
      "op: the value to record is empty; if its closure captured it by std::move, share it first: "
      "const auto value = detail::share(std::move(y)), for record and closure alike";
  CHECK(error_of([&] { record("op", std::move(y), closure, x); }) == text);
  Tensor<double, 0> sum({}, 2.0);
  const Tensor<double, 0> moved_sum = std::move(sum);
  CHECK(error_of([&] { record("op", std::move(sum), closure, x); }) == text);
  const std::shared_ptr<const Tensor<double, 2>> none;
  CHECK(error_of([&] { record("op", none, closure, x); }) ==
        "op: the value to record was moved away; copy the pointer into the closure");
  CHECK(tape.entries() == 1);
  CHECK(record("op", Tensor<double, 2>({0, 3}), closure, x).requires_grad());
}

}  // namespace tessera
