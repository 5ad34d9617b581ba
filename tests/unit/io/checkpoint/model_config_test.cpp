#include "tessera/io/checkpoint/model_config.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"

namespace tessera::io::test {

namespace {

/// The error that make(file, facts) gives for a file, after its name.
template <class Make>
std::string error_for(const std::string& name, const Make& make, CheckpointOptions options = {}) {
  const auto path = Case(name).path();
  const Checkpoint file = open_checkpoint(path, std::move(options));
  const std::string text = file_error([&] { (void)make(file, read_facts(file)); });
  return text.substr(std::min(text.size(), path.string().size() + 2));
}

const auto encoder = [](const Checkpoint& file, const CheckpointFacts& facts) {
  return encoder_config(file, facts);
};
const auto mae = [](const Checkpoint& file, const CheckpointFacts& facts) {
  return mae_config(file, facts);
};
const auto ijepa = [](const Checkpoint& file, const CheckpointFacts& facts) {
  return ijepa_config(file, facts);
};
const auto decoder = [](const Checkpoint& file, const CheckpointFacts& facts) {
  return decoder_config(file, facts);
};

}  // namespace

TEST_CASE("a config has what the file says, and that code's way to resample") {
  const Checkpoint file = Case("hf_mae_published").open();
  const MAEConfig config = mae_config(file, read_facts(file));
  CHECK(config.encoder.image_size == Size{8, 8});
  CHECK(config.encoder.num_heads == 3);
  CHECK(config.encoder.layer_norm_eps == 1e-12);
  CHECK(config.encoder.pos_embed == PositionEmbedding::sincos);
  CHECK(config.encoder.resampling == kernels::Bicubic::plain);
  CHECK(config.decoder_embed_dim == 8);
  CHECK(config.decoder_num_heads == 2);
  CHECK(config.norm_pix_loss);

  const Checkpoint timm = Case("timm_swiglu").open();
  const MaskedVisionTransformerConfig swiglu = encoder_config(timm, read_facts(timm));
  CHECK(swiglu.activation == Activation::swiglu);
  CHECK(swiglu.init_values.has_value());
  CHECK(swiglu.no_embed_class);
  CHECK(swiglu.pos_embed == PositionEmbedding::learned);
  CHECK(swiglu.resampling == kernels::Bicubic::antialias);
}

TEST_CASE("the ratio of an MLP gives its width back") {
  for (const Index dim : {12, 192, 384, 768, 1024, 1280, 1408, 1536}) {
    for (Index hidden = 1; hidden < 7000; hidden += 13) {
      const double ratio = detail::mlp_ratio({.dim = dim, .mlp_hidden = hidden});
      REQUIRE(static_cast<Index>(static_cast<double>(dim) * ratio) == hidden);
    }
  }
}

TEST_CASE("what cannot be told is asked for by name") {
  CHECK(error_for("mae_encoder", encoder) ==
        "num_heads cannot be told from the file (no tensor shows the number of attention heads); "
        "give num_heads");
  CHECK(error_for("timm_no_class_average", encoder, {.num_heads = 3}) ==
        "image_size cannot be told from the file (its grid is not square: 6 patches); give "
        "image_size");
  CHECK(error_for("mae_visualize", mae, {.num_heads = 2}) ==
        "decoder_num_heads cannot be told from the file (no tensor shows the number of attention "
        "heads); give decoder_num_heads");
  CHECK(error_for("mae_visualize", mae, {.num_heads = 2, .decoder_num_heads = 2}) ==
        "norm_pix_loss cannot be told from the file (raw and normalized pixels have the same "
        "tensors); give norm_pix_loss");
  CHECK(error_for("hf_vit", encoder, {.config = "", .num_heads = 3}) ==
        "layer_norm_eps cannot be told from the file (there is no config.json); give "
        "layer_norm_eps");
  CHECK(error_for("lightly_decoder", decoder) ==
        "decoder_num_heads cannot be told from the file (no tensor shows the number of attention "
        "heads); give decoder_num_heads");
  CHECK(error_for("lightly_predictor", decoder, {.decoder_num_heads = 2}) ==
        "the grid cannot be told from 20 positions; make the decoder and load the file into it");
}

TEST_CASE("heads must divide the width") {
  CHECK(error_for("mae_encoder", encoder, {.num_heads = 5}) ==
        "num_heads = 5 does not divide the width 12");
  CHECK(error_for("mae_encoder", encoder, {.num_heads = 0}) ==
        "num_heads 0 (given) is not positive");
  CHECK(error_for("mae_visualize", mae, {.num_heads = 2, .decoder_num_heads = 3}) ==
        "decoder_num_heads = 3 does not divide the width 8");
}

TEST_CASE("a model that the file does not hold is refused in words") {
  CHECK(error_for("mae_encoder", mae, {.num_heads = 3}) ==
        "holds no MAE with its decoder: it is an encoder alone");
  CHECK(error_for("ijepa_zip", mae) == "holds no MAE with its decoder: it is of kind ijepa");
  CHECK(error_for("hf_ijepa", ijepa) ==
        "holds no I-JEPA with its predictor: it is an encoder alone");
  CHECK(error_for("lightly_decoder", encoder) == "holds no encoder: it is of kind decoder");
  CHECK(error_for("lightly_predictor", ijepa) ==
        "holds no I-JEPA with its predictor: it is of kind predictor");
  CHECK(error_for("hf_vit", decoder) == "holds no decoder: it is an encoder alone");
}

}  // namespace tessera::io::test
