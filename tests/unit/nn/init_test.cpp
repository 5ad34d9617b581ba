#include "tessera/nn/init.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/random_model.hpp"
#include "support/near.hpp"
#include "tessera/nn/transformer_block.hpp"

namespace tessera::test {
namespace {

template <class Scalar>
std::vector<Scalar> copy_of(std::span<const Scalar> values) {
  return {values.begin(), values.end()};
}

struct Holder {
  using scalar_type = float;

  PatchEmbed<float> patch_embed;

  static void visit(auto& self, auto&& visitor) { visitor("patch_embed", self.patch_embed); }
};

TransformerBlock<float> random_block() {
  TransformerBlock<float> block({.dim = 8, .num_heads = 2, .mlp_hidden = 12, .init_values = 0.25});
  randomize(block, 1);
  return block;
}

TEST_CASE("init_linears: weights are drawn in forward order, each as one matrix") {
  for (const LinearInit how :
       {LinearInit::xavier_uniform, LinearInit::trunc_normal, LinearInit::torch_default}) {
    TransformerBlock<float> block = random_block();
    const TransformerBlock<float> before = block;
    Generator generator(3);
    init_linears(block, how, generator);

    Generator same(3);
    for (Linear<float>* layer :
         {&block.attn.qkv, &block.attn.proj, &block.mlp.fc1, &block.mlp.fc2}) {
      const auto out = layer->weight.value.dim(0);
      const auto in = layer->weight.value.dim(1);
      std::vector<float> weight(static_cast<std::size_t>(out * in));
      std::vector<float> bias(static_cast<std::size_t>(out), 0.0F);
      const double of_both = std::sqrt(6.0 / static_cast<double>(in + out));
      const double of_inputs = 1 / std::sqrt(static_cast<double>(in));
      if (how == LinearInit::xavier_uniform) {
        fill_uniform(std::span(weight), -of_both, of_both, same);
      } else if (how == LinearInit::trunc_normal) {
        fill_trunc_normal(std::span(weight), 0, 0.02, -2, 2, same);
      } else {
        fill_uniform(std::span(weight), -of_inputs, of_inputs, same);
        fill_uniform(std::span(bias), -of_inputs, of_inputs, same);
      }
      CHECK(copy_of<float>(layer->weight.value.values()) == weight);
      CHECK(copy_of<float>(layer->bias->value.values()) == bias);
    }
    CHECK(generator == same);
    for (const LayerNorm<float>* norm : {&block.norm1, &block.norm2}) {
      CHECK(norm->weight.value == Tensor<float, 1>({8}, 1.0F));
      CHECK(norm->bias.value == Tensor<float, 1>({8}));
    }
    CHECK(block.ls1->gamma.value == before.ls1->gamma.value);  // no Linear and no norm
  }
}

TEST_CASE("init_linears: a patch embedding is no Linear") {
  Holder holder{PatchEmbed<float>(2, 3, 2)};
  randomize(holder, 4);
  const Holder before = holder;
  Generator generator(3);
  init_linears(holder, LinearInit::torch_default, generator);
  CHECK(holder.patch_embed.proj.weight.value == before.patch_embed.proj.weight.value);
  CHECK(holder.patch_embed.proj.bias.value == before.patch_embed.proj.bias.value);
  CHECK(generator == Generator(3));
}

TEST_CASE("init_patch_embed: weight, then bias, within the bound of a torch convolution") {
  PatchEmbed<double> embed(3, 50, 4);
  Generator generator(5);
  init_patch_embed(embed, generator);
  const double bound = 1 / std::sqrt(3.0 * 4 * 4);
  Generator same(5);
  std::vector<double> weight(50 * 48);
  std::vector<double> bias(50);
  fill_uniform(std::span(weight), -bound, bound, same);
  fill_uniform(std::span(bias), -bound, bound, same);
  CHECK(copy_of<double>(embed.proj.weight.value.values()) == weight);
  CHECK(copy_of<double>(embed.proj.bias.value.values()) == bias);
  const auto [low, high] = std::minmax_element(weight.begin(), weight.end());
  CHECK(*low >= -bound);
  CHECK(*low < -0.9 * bound);
  CHECK(*high < bound);
  CHECK(*high > 0.9 * bound);
}

TEST_CASE("init_linears: trunc_normal has the deviation it is asked for") {
  Linear<double> layer(100, 200);
  Generator generator(6);
  init_linears(layer, LinearInit::trunc_normal, generator);
  const auto values = layer.weight.value.array();
  CHECK(values.mean() == near(0, 1e-3));
  CHECK(std::sqrt(values.square().mean()) == near_relative(0.02, 0.02));
}

}  // namespace
}  // namespace tessera::test
