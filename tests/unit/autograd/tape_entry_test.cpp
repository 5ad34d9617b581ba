#include "tessera/autograd/tape_entry.hpp"

#include <memory>

#include "support/catch.hpp"

namespace tessera::detail {

TEST_CASE("a leaf keeps its gradient until it is released") {
  TapeLeaf<double, 1> leaf;
  CHECK_FALSE(leaf.is_operation());
  CHECK(leaf.gradient_values().empty());
  leaf.gradient = Tensor<double, 1>({2}, {1.0, 2.0});
  leaf.arrived = true;
  CHECK(leaf.gradient_values()[1] == 2);
  leaf.run_backward();  // has nothing to do
  CHECK(leaf.arrived);
  leaf.release_gradient();
  CHECK_FALSE(leaf.arrived);
  CHECK(leaf.gradient_values().empty());
}

TEST_CASE("an operation gives its gradient to its closure, without a copy") {
  const double* memory = nullptr;
  const auto closure = [&](Tensor<double, 1> gradient) { memory = gradient.data(); };
  std::unique_ptr<TapeEntry<double>> entry =
      std::make_unique<TapeOperation<double, 1, decltype(closure)>>(closure);
  CHECK(entry->is_operation());
  auto& leaf = static_cast<TapeLeaf<double, 1>&>(*entry);
  leaf.gradient = Tensor<double, 1>({2}, {1.0, 2.0});
  const double* const before = leaf.gradient.data();
  entry->run_backward();
  CHECK(memory == before);
  CHECK(entry->gradient_values().empty());
}

}  // namespace tessera::detail
