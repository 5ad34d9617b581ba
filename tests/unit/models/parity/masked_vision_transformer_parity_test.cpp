// The encoder against lightly's, timm's, torchvision's and Hugging Face's.

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/models/masked_vision_transformer.hpp"

namespace tessera::test {
namespace {

const std::vector<std::string> nothing;

template <class Scalar>
MaskedVisionTransformer<Scalar> load_encoder(const Fixture& fixture) {
  MaskedVisionTransformer<Scalar> encoder(encoder_config(fixture));
  fixture.load(encoder);
  return encoder;
}

TEMPLATE_TEST_CASE("encoder: preprocess, encode, forward, blocks and gradients are lightly's",
                   "[parity]", float, double) {
  for (const char* name : {"encoder_square", "encoder_gray_keep", "encoder_registers",
                           "encoder_boolean_mask", "encoder_no_embed_class", "encoder_resample"}) {
    const Fixture fixture(name);
    const auto encoder = load_encoder<TestType>(fixture);
    const TokenSelection selection = fixture.selection();
    const auto pixels = fixture.tensor<TestType, 4>("input.images");
    CHECK(pixels.dim(2) == fixture.integer("input_height"));
    Tape<TestType> tape;
    const bool of_images = fixture.contains("grad.images");
    const auto images = of_images ? tape.variable(pixels) : Var<TestType, 4>(pixels, &tape);

    CHECK(fixture.mismatch("output.images_to_tokens", encoder.images_to_tokens(pixels).value()) ==
          "");
    CHECK(fixture.mismatch("output.preprocess", encoder.preprocess(pixels, selection).value()) ==
          "");
    const auto encoded = encoder.encode(images, selection);
    CHECK(fixture.mismatch("output.encode", encoded.value()) == "");
    if (fixture.text("global_pool").empty()) {  // then lightly's forward does not pool
      CHECK(fixture.mismatch("output.forward", encoded.value()) == "");
    } else {
      CHECK(fixture.mismatch("output.forward", encoder.forward(pixels, selection).value()) == "");
    }
    for (const bool normalized : {false, true}) {
      const auto found = encoder.forward_intermediates(pixels, selection, normalized);
      CHECK(found.output.value() == encoded.value());
      CHECK(std::ssize(found.blocks) == fixture.integer("depth"));
      for (std::size_t i = 0; i < found.blocks.size(); ++i) {
        const std::string key =
            concat("output.intermediates", normalized ? "_norm." : ".", static_cast<Index>(i));
        if (normalized && !fixture.contains(key)) continue;
        CHECK(fixture.mismatch(key, found.blocks[i].value()) == "");
      }
    }
    tape.backward(weighted_sum(encoded, fixture.tensor<TestType, 3>("input.cotangent")));
    CHECK(fixture.gradient_mismatch(encoder, tape) == "");
    if (of_images) {
      REQUIRE(tape.gradient(images) != nullptr);
      CHECK(fixture.mismatch("grad.images", *tape.gradient(images)) == "");
    }
    CHECK(fixture.unused() == nothing);
  }
}

TEMPLATE_TEST_CASE("encoder: average pooling is timm's", "[parity]", float, double) {
  for (const char* name : {"encoder_pool_norm", "encoder_pool_fc_norm"}) {
    const Fixture fixture(name);
    const auto encoder = load_encoder<TestType>(fixture);
    const auto images = fixture.tensor<TestType, 4>("input.images");
    const auto tokens = encoder.encode(images);
    CHECK(fixture.mismatch("output.lightly_encode", tokens.value()) == "");
    CHECK(fixture.mismatch("output.timm_forward_features", tokens.value()) == "");
    // lightly averages and stops, also where timm normalizes afterwards.
    CHECK(fixture.mismatch("output.lightly_forward", mean_tokens(tokens, 1).value()) == "");
    Tape<TestType> tape;
    const auto pooled = encoder.forward(Var<TestType, 4>(images, &tape));
    CHECK(fixture.mismatch("output.timm_forward_head", pooled.value()) == "");
    tape.backward(weighted_sum(pooled, fixture.tensor<TestType, 2>("input.cotangent")));
    CHECK(fixture.gradient_mismatch(encoder, tape) == "");
    CHECK(fixture.unused() == nothing);
  }
}

TEMPLATE_TEST_CASE("encoder: positions of a non-square grid are resampled as timm does it",
                   "[parity]", float, double) {
  const Fixture fixture("encoder_resample_wide");
  const auto encoder = load_encoder<TestType>(fixture);
  const Size grid{fixture.integer("input_height") / 4, fixture.integer("input_width") / 4};
  const Tensor<TestType, 3> zeros({1, 2 + grid.count(), 12});
  CHECK(fixture.mismatch("output.pos_embed", encoder.add_pos_embed(Var(zeros), grid).value()) ==
        "");
  Tape<TestType> tape;
  const Var<TestType, 4> images(fixture.tensor<TestType, 4>("input.images"), &tape);
  const auto encoded = encoder.encode(images);
  CHECK(fixture.mismatch("output.encode", encoded.value()) == "");
  tape.backward(weighted_sum(encoded, fixture.tensor<TestType, 3>("input.cotangent")));
  CHECK(fixture.gradient_mismatch(encoder, tape) == "");
  CHECK(fixture.unused() == nothing);
}

TEMPLATE_TEST_CASE("encoder: torchvision's vision transformer under lightly's masks", "[parity]",
                   float, double) {
  const Fixture fixture("encoder_torchvision");
  const auto encoder = load_encoder<TestType>(fixture);
  const TokenSelection selection = fixture.selection();
  Tape<TestType> tape;
  const Var<TestType, 4> images(fixture.tensor<TestType, 4>("input.images"), &tape);
  CHECK(fixture.mismatch("output.preprocess", encoder.preprocess(images, selection).value()) == "");
  CHECK(fixture.mismatch("output.forward", encoder.forward(images, selection).value()) == "");
  const auto encoded = encoder.encode(images, selection);
  CHECK(fixture.mismatch("output.encode", encoded.value()) == "");
  tape.backward(weighted_sum(encoded, fixture.tensor<TestType, 3>("input.cotangent")));
  CHECK(fixture.gradient_mismatch(encoder, tape) == "");
  CHECK(fixture.unused() == nothing);
}

TEMPLATE_TEST_CASE("encoder: Hugging Face's I-JEPA at its own and at another image size",
                   "[parity]", float, double) {
  const Fixture fixture("hf_ijepa");
  MaskedVisionTransformerConfig config = encoder_config(fixture);
  config.resampling = kernels::Bicubic::plain;
  MaskedVisionTransformer<TestType> encoder(config);
  fixture.load(encoder, {"mask_token"});
  const Size grid{fixture.integer("resampled_height") / 4, fixture.integer("resampled_width") / 4};
  const Tensor<TestType, 3> zeros({1, grid.count(), 12});
  CHECK(fixture.mismatch("output.resampled_pos_embed",
                         encoder.add_pos_embed(Var(zeros), grid).value()) == "");
  Tape<TestType> tape;
  const auto encode = [&](const std::string& images) {
    return encoder.encode(Var<TestType, 4>(fixture.tensor<TestType, 4>("input." + images), &tape));
  };
  const auto native = encode("images");
  const auto resampled = encode("resampled_images");
  CHECK(fixture.mismatch("output.last_hidden_state", native.value()) == "");
  CHECK(fixture.mismatch("output.resampled_last_hidden_state", resampled.value()) == "");
  tape.backward(
      add(weighted_sum(native, fixture.tensor<TestType, 3>("input.cotangent")),
          weighted_sum(resampled, fixture.tensor<TestType, 3>("input.resampled_cotangent"))));
  CHECK(fixture.gradient_mismatch(encoder, tape) == "");
  CHECK(fixture.unused() == nothing);
}

}  // namespace
}  // namespace tessera::test
