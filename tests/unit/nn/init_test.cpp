#include "tessera/nn/init.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/random_model.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
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

/// Names that say nothing of the roles, and a matrix of its own.
struct Misleading {
  using scalar_type = float;

  struct PatchEmbedHead {
    using scalar_type = float;

    Linear<float> proj{3, 2};

    static void visit(auto& self, auto&& visitor) { visitor("proj", self.proj); }
  };

  Linear<float> normalizer{4, 3};
  LayerNorm<float> weights{3, 1e-6};
  PatchEmbedHead patch_embed;
  Parameter<float, 2> own{Tensor<float, 2>({2, 5})};
  Parameter<float, 2> unnamed{Tensor<float, 2>({2, 5})};

  static void visit(auto& self, auto&& visitor) {
    visitor("normalizer", self.normalizer);
    visitor("weights", self.weights);
    visitor("patch_embed", self.patch_embed);
    visitor("own", self.own, ParameterRole::weight);
    visitor("norm", self.unnamed);
  }
};

/// A bias that is visited before its weight.
struct Reversed {
  using scalar_type = float;

  Parameter<float, 1> bias{Tensor<float, 1>({3}, 7.0F)};
  Parameter<float, 2> weight{Tensor<float, 2>({3, 4}, 7.0F)};

  static void visit(auto& self, auto&& visitor) {
    visitor("bias", self.bias, ParameterRole::bias);
    visitor("weight", self.weight, ParameterRole::weight);
  }
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

TEST_CASE("init_linears: roles decide, not names") {
  Misleading model;
  randomize(model, 4);
  const Misleading before = model;
  Generator generator(3);
  init_linears(model, LinearInit::torch_default, generator);

  Generator same(3);
  const auto drawn = [&](std::size_t count, double inputs) {
    std::vector<float> values(count);
    fill_uniform(std::span(values), -1 / std::sqrt(inputs), 1 / std::sqrt(inputs), same);
    return values;
  };
  CHECK(copy_of<float>(model.normalizer.weight.value.values()) == drawn(12, 4));
  CHECK(copy_of<float>(model.normalizer.bias->value.values()) == drawn(3, 4));
  CHECK(model.weights.weight.value == Tensor<float, 1>({3}, 1.0F));
  CHECK(model.weights.bias.value == Tensor<float, 1>({3}));
  CHECK(copy_of<float>(model.patch_embed.proj.weight.value.values()) == drawn(6, 3));
  CHECK(copy_of<float>(model.patch_embed.proj.bias->value.values()) == drawn(2, 3));
  CHECK(copy_of<float>(model.own.value.values()) == drawn(10, 5));
  CHECK(generator == same);
  CHECK(model.unnamed.value == before.unnamed.value);

  init_linears(model, LinearInit::xavier_uniform, generator);
  CHECK(model.normalizer.bias->value == Tensor<float, 1>({3}));
  CHECK(model.patch_embed.proj.bias->value == Tensor<float, 1>({2}));
}

TEST_CASE("init_linears: torch_default refuses a bias before any weight, others do not need it") {
  Reversed model;
  Generator generator(3);
  CHECK(error_of([&] { init_linears(model, LinearInit::torch_default, generator); }) ==
        "init_linears: bias is the bias of no weight before it, whose inputs bound its values");
  CHECK(model.bias.value == Tensor<float, 1>({3}, 7.0F));
  CHECK(model.weight.value == Tensor<float, 2>({3, 4}, 7.0F));
  CHECK(generator == Generator(3));
  init_linears(model, LinearInit::trunc_normal, generator);
  CHECK(model.bias.value == Tensor<float, 1>({3}));
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
