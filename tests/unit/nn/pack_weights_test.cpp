#include "tessera/nn/pack_weights.hpp"

#include <new>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/models/random_model.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "tessera/nn/transformer_block.hpp"

namespace tessera::test {
namespace {

template <class Scalar>
TransformerBlock<Scalar> random_block() {
  TransformerBlock<Scalar> block({.dim = 24, .num_heads = 3, .mlp_hidden = 40, .init_values = 0.5});
  randomize(block, 1);
  return block;
}

/// A module that holds others in every way a module may.
struct Holder {
  using scalar_type = float;

  std::vector<TransformerBlock<float>> blocks;
  std::optional<Linear<float>> head;
  std::optional<Linear<float>> none;

  static void visit(auto& self, auto&& visitor) {
    visitor("blocks", self.blocks);
    visitor("head", self.head);
    visitor("none", self.none);
  }
};

const char* walk_error =
    "Linear: its weight is packed for inference, so its parameters cannot be walked over; copy the "
    "model before pack_weights to keep them";

}  // namespace

TEMPLATE_TEST_CASE("pack_weights: results keep their bits, and so does the original", "", float,
                   double) {
  const auto block = random_block<TestType>();
  const Var<TestType, 3> x(random_tensor<3, TestType>({2, 7, 24}, 2));
  const auto expected = block(x).value();
  auto fast = block;
  pack_weights(fast);
  CHECK(fast.mlp.fc1.weight.value.size() == 0);
  CHECK(fast.mlp.fc1.packed->rows() == 40);
  CHECK(fast(x).value() == expected);
  CHECK(fast.last_tokens(x, 3).value() == block.last_tokens(x, 3).value());
  const auto copy = fast;
  CHECK(copy(x).value() == expected);
  CHECK(block(x).value() == expected);
  CHECK_FALSE(block.mlp.fc1.packed.has_value());
}

TEST_CASE("pack_weights: every Linear is reached, in vectors and optional members too") {
  Holder holder{{random_block<float>(), random_block<float>()}, Linear<float>(24, 5), {}};
  pack_weights(holder);
  for (const auto& block : holder.blocks) {
    for (const Linear<float>* linear :
         {&block.attn.qkv, &block.attn.proj, &block.mlp.fc1, &block.mlp.fc2}) {
      CHECK(linear->packed.has_value());
    }
  }
  CHECK(holder.head->packed.has_value());
}

TEST_CASE("pack_weights: packing twice is refused and changes nothing") {
  Holder holder{{random_block<float>()}, Linear<float>(24, 5), {}};
  holder.head->pack();
  CHECK(error_of([&] { pack_weights(holder); }) ==
        "pack_weights: the weights of this model are packed already");
  CHECK_FALSE(holder.blocks[0].attn.qkv.packed.has_value());
  CHECK(error_of([&] { holder.head->pack(); }) == "Linear::pack: the weight is packed already");
}

TEST_CASE("pack_weights: what remains refuses training and every walk over its parameters") {
  auto block = random_block<float>();
  pack_weights(block);
  CHECK(error_of([&] { parameter_count(block); }) == walk_error);
  CHECK(error_of([&] { named_parameters(block); }) == walk_error);
  CHECK(error_of([&] { set_trainable(block, false); }) == walk_error);
  Tape<float> tape;
  const Var<float, 3> x(random_tensor<3, float>({1, 4, 24}, 2), &tape);
  CHECK(error_of([&] { block(x); }).starts_with("packed_linear: x carries a tape"));
  CHECK(error_of([&] {
          block.mlp.fc2.plus(Var(Tensor<float, 2>({4, 40})), Var(Tensor<float, 2>({4, 3})));
        }) == "Linear::plus: residual [4, 3] must have the shape of the result [4, 24]");
}

TEST_CASE("pack_weights: where memory runs out the model infers to the same bits") {
  const auto block = random_block<float>();
  const Var<float, 3> x(random_tensor<3, float>({2, 7, 24}, 2));
  const auto expected = block(x).value();
  auto fast = block;
  const std::size_t failed = fail_each_call([&] { pack_weights(fast); },
                                            [&] {
                                              CHECK(fast(x).value() == expected);
                                              fast = block;
                                            });
  // The cache may serve several weights by one call of the heap, but not all by none.
  CHECK((failed > 0 || heap_use().calls == 0));
}

}  // namespace tessera::test
