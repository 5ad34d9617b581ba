#include "tessera/autograd/borrowed_tensors.hpp"

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera::detail {

namespace {

using test::error_of;

std::uint64_t fingerprint_of(const Tensor<float, 1>& tensor, bool of_all) {
  return fingerprint(view_of(tensor).bytes, of_all);
}

}  // namespace

TEST_CASE("a fingerprint of all values sees each of them, one of some the ends and two between") {
  for (const Index size : {1, 2, 3, 4, 7, 100}) {
    Tensor<float, 1> tensor({size}, 0.5F);
    for (const bool of_all : {true, false}) {
      const std::uint64_t before = fingerprint_of(tensor, of_all);
      CHECK(fingerprint_of(tensor, of_all) == before);
      Index seen = 0;
      for (float& value : tensor) {
        value = -0.5F;
        const bool changed = fingerprint_of(tensor, of_all) != before;
        value = 0.5F;
        seen += changed ? 1 : 0;
        if (&value == tensor.begin() || &value == tensor.end() - 1) CHECK(changed);
      }
      CHECK(seen == (of_all ? size : std::min<Index>(size, 8)));
    }
  }
  CHECK(fingerprint({}, true) == fingerprint({}, false));
}

TEST_CASE("borrowed tensors are found by address, and a shape that differs is refused") {
  BorrowedTensors borrowed;
  std::array<Tensor<double, 1>, 2> tensors{Tensor<double, 1>({2}), Tensor<double, 1>({2})};
  borrowed.add(tensors[0], 7);
  borrowed.add(tensors[1], no_node);
  CHECK(borrowed.node_of(&tensors[0]) == 7);
  CHECK(borrowed.node_of(&tensors[1]) == no_node);
  CHECK(borrowed.node_of(&borrowed) == no_node);
  CHECK(borrowed.with_node() == 1);
  borrowed.add(tensors[1], 9);  // it was frozen and is wanted now
  CHECK(borrowed.node_of(&tensors[1]) == 9);
  CHECK(borrowed.with_node() == 2);
  const Shape<1> shape{2};
  const Shape<2> other{1, 2};
  CHECK(borrowed.find("op", &tensors[0], shape)->node == 7);
  CHECK(borrowed.find("op", &borrowed, shape) == nullptr);
  CHECK(error_of([&] { (void)borrowed.find("op", &tensors[0], other); }) ==
        "op: parameter [1, 2] has the address of [2], which was recorded before; parameters must "
        "outlive the tape");
}

TEST_CASE("a build that is not checked looks at some values, a checked one at all") {
  Tensor<float, 1> tensor({100}, 1.0F);
  for (const bool all : {false, true}) {
    BorrowedTensors borrowed(all);
    borrowed.add(tensor, no_node);
    borrowed.check_unchanged("op");
    tensor(20) = 2.0F;  // none of the eight
    if (all) {
      CHECK(error_of([&] { borrowed.check_unchanged("op"); }) ==
            "op: parameter 1 of 1, in the order of their first use, [100], has other values than "
            "in forward: its model was stepped, assigned, initialized or loaded in between; call "
            "backward before that, or record again");
    } else {
      borrowed.check_unchanged("op");
    }
    tensor(20) = 1.0F;
    tensor.array() *= 0.999F;  // as an optimizer's step changes them
    CHECK_THROWS_AS(borrowed.check_unchanged("op"), std::invalid_argument);
    tensor.array() = 1.0F;
  }
}

}  // namespace tessera::detail
