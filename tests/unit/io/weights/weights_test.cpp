#include "tessera/io/weights.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "tessera/models/initialize.hpp"

namespace tessera::io::test {

namespace {

using tessera::test::error_of;
using tessera::test::near_relative;

template <class Scalar>
MAE<Scalar> small_mae(std::uint64_t seed, Index depth = 1) {
  MAE<Scalar> mae(
      {.encoder =
           {.image_size = {8, 8}, .patch_size = 4, .embed_dim = 8, .depth = depth, .num_heads = 2},
       .decoder_embed_dim = 4,
       .decoder_depth = 1,
       .decoder_num_heads = 1});
  Generator generator(seed);
  initialize(mae, InitRecipe::mae, generator);
  return mae;
}

template <Module Model>
bool same_weights(const Model& a, const Model& b) {
  const auto left = named_parameters(a);
  const auto right = named_parameters(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& p, const auto& q) {
                      return p.name == q.name && std::ranges::equal(p.values, q.values);
                    });
}

}  // namespace

TEMPLATE_TEST_CASE("weights come back bit for bit", "", float, double) {
  const ScratchFolder folder;
  const auto saved = small_mae<TestType>(1);
  save_weights(folder / "a.safetensors", saved);
  auto loaded = small_mae<TestType>(2);
  REQUIRE_FALSE(same_weights(saved, loaded));
  load_weights(folder / "a.safetensors", loaded);
  CHECK(same_weights(saved, loaded));
  CHECK(open_tensors(folder / "a.safetensors").contains("encoder.blocks.0.attn.qkv.weight"));
}

TEST_CASE("weights may be stored narrower and read wider") {
  const ScratchFolder folder;
  const auto saved = small_mae<float>(1);
  save_weights(folder / "a.safetensors", saved, {.dtype = Dtype::bf16});
  auto loaded = small_mae<double>(2);
  load_weights(folder / "a.safetensors", loaded);
  const float before = saved.prediction_head.weight.value(3, 2);
  const double after = loaded.prediction_head.weight.value(3, 2);
  CHECK(after != static_cast<double>(before));
  CHECK(after == near_relative(static_cast<double>(before), 1.0 / 256));
}

TEST_CASE("weights of another model are refused and nothing is changed") {
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  const auto shallow = small_mae<float>(1, 1);
  const auto deep = small_mae<float>(2, 2);

  auto model = deep;
  save_weights(path, shallow);
  CHECK(error_of<std::runtime_error>([&] { load_weights(path, model); }) ==
        path.string() +
            ": does not fit the model (naming tessera): missing "
            "encoder.blocks.1.norm1.weight, encoder.blocks.1.norm1.bias, "
            "encoder.blocks.1.attn.qkv.weight and 9 more");
  CHECK(same_weights(model, deep));

  model = shallow;
  save_weights(path, deep);
  CHECK(
      error_of<std::runtime_error>([&] { load_weights(path, model); }) ==
      path.string() +
          ": does not fit the model (naming tessera): unexpected encoder.blocks.1.attn.proj.bias, "
          "encoder.blocks.1.attn.proj.weight, encoder.blocks.1.attn.qkv.bias and 9 more");
  CHECK(same_weights(model, shallow));

  MAE<float> wider({.encoder = shallow.encoder.config,
                    .decoder_embed_dim = 8,
                    .decoder_depth = 1,
                    .decoder_num_heads = 1});
  save_weights(path, shallow);
  CHECK(error_of<std::runtime_error>([&] { load_weights(path, wider); })
            .starts_with(path.string() +
                         ": does not fit the model (naming tessera): wrong shape: "
                         "decoder_embed.weight is [4, 8] in the file, [8, 8] in the "
                         "model, decoder_embed.bias is [4]"));
}

TEST_CASE("weights that cannot be stored leave the old file alone") {
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  auto model = small_mae<float>(1);
  save_weights(path, model);
  const auto before = read_file(path, 1U << 20);
  model.prediction_head.bias->value(0) = 1e6F;
  CHECK(error_of<std::runtime_error>([&] { save_weights(path, model, {.dtype = Dtype::f16}); }) ==
        path.string() + ": tensor 'prediction_head.bias': element 0 is too large for F16");
  CHECK(read_file(path, 1U << 20) == before);
}

}  // namespace tessera::io::test
