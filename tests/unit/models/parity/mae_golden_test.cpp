// A tiny MAE with the values that the published code gives for it.

#include <array>
#include <numeric>

#include "support/catch.hpp"
#include "support/models/published_models.hpp"
#include "support/near.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/ops/tokens/set_at_index.hpp"

namespace tessera::test {
namespace {

const std::string source = "published MAE, tiny";

template <class Scalar>
MAE<Scalar> published_mae() {
  MAE<Scalar> mae(
      {.encoder =
           {.image_size = {16, 16}, .patch_size = 4, .embed_dim = 12, .depth = 2, .num_heads = 3},
       .decoder_embed_dim = 8,
       .decoder_depth = 1,
       .decoder_num_heads = 2});
  const std::size_t tensors = fill_as_published(mae, 0, [](std::string name) -> std::string {
    if (name == "encoder.mask_token") return "";
    name = with_prefix(name, "encoder.", "");
    name = with_prefix(name, "decoder.blocks", "decoder_blocks");
    name = with_prefix(name, "decoder.norm", "decoder_norm");
    name = with_prefix(name, "decoder.mask_token", "mask_token");
    return with_prefix(name, "prediction_head", "decoder_pred");
  });
  CHECK(tensors == 48);
  return mae;
}

/// The published noise, whose order says which patches are kept, shifted past the class token.
KeepMask published_masks() {
  Tensor<double, 2> noise({2, 16});
  for (Index i = 0; i < noise.size(); ++i) {
    const double turn = .618033988749895 * static_cast<double>(i + 1);
    noise.data()[i] = turn - std::floor(turn);
  }
  TokenIndex order({2, 17});
  const TokenIndex patches = tessera::detail::argsort(noise);
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 16; ++k) order(b, k + 1) = 1 + patches(b, k);
  }
  return tessera::detail::split_columns(order, 5);
}

TEST_CASE("published filler: its own check values", "[golden]") {
  for (const auto& [actual, expected] :
       std::vector<std::pair<double, double>>{{filler(0, 0, .3), .22413211720995604},
                                              {filler(1, 0, .3), .04456559834070504},
                                              {filler(2, 0, .3), .2533597480505705},
                                              {filler(0, 1000, 1.5), -.67395503888838},
                                              {filler(1, 1000, 1.5), -.7802396141923964},
                                              {filler(2, 1000, 1.5), .3776044067926705}}) {
    CHECK(actual == near_relative(expected, 1e-15));
  }
}

TEST_CASE("published MAE: the masks that follow from its noise", "[golden]") {
  const KeepMask masks = published_masks();
  CHECK(masks.idx_keep == TokenIndex({2, 5}, {0, 13, 5, 10, 2, 0, 10, 2, 15, 7}));
  CHECK(masks.idx_mask == TokenIndex({2, 12}, {15, 7, 12, 4, 9,  1, 14, 6, 11, 3, 16, 8,
                                               12, 4, 9,  1, 14, 6, 11, 3, 16, 8, 13, 5}));
}

TEMPLATE_TEST_CASE("published MAE: latent and prediction", "[golden]", float, double) {
  const auto mae = published_mae<TestType>();
  const auto images = published_images<TestType>();
  const KeepMask masks = published_masks();
  const auto latent = mae.encoder.encode(images, {.idx_keep = masks.idx_keep});
  const Tensor<TestType, 3>& z = latent.value();
  REQUIRE(z.shape() == Shape<3>{2, 5, 12});
  const auto check = [](const char* what, double actual, double published, double largest = 0) {
    CHECK(golden_mismatch<TestType>(source, what, actual, published, largest) == "");
  };
  const std::array first{1.148211137, -1.6950981, 1.548000618, -.7494013573};
  const std::array last{-1.100645269, -.8755451343, -.8304795074};
  const double z_largest = largest_of(z.values());
  for (std::size_t i = 0; i < 4; ++i) check("latent", z.row(0)[i], first[i], z_largest);
  for (std::size_t i = 0; i < 3; ++i) check("latent", z.row(9)[i], last[i], z_largest);
  check("latent, sum", std::accumulate(z.begin(), z.end(), 0.0), 2.640057798);
  check("latent, sum of squares", sum_of_squares(z.values()), 123.6096355);

  // The published code decodes the whole sequence and predicts visible patches too.
  const Tensor<TestType, 3> zeros({2, 17, 8});
  const auto full = set_at_index(Var(zeros), masks.idx_keep, mae.decoder_embed(latent));
  const auto decoded = mae.decoder.forward(full, {.idx_mask = masks.idx_mask});
  const Tensor<TestType, 3> pred = mae.prediction_head(slice_tokens(decoded, 1, 16)).value();
  const std::array pixels{-.3354056982, .1802809748, .7275694312, -.2418985578};
  const double pred_largest = largest_of(pred.values());
  for (std::size_t i = 0; i < 4; ++i) check("prediction", pred.row(0)[i], pixels[i], pred_largest);
  check("prediction, sum of squares", sum_of_squares(pred.values()), 405.7269981);

  // forward computes the masked ones alone.
  const double apart = std::is_same_v<TestType, float> ? 1e-6 : 1e-14;
  const auto masked = mae.forward(images, masks.idx_keep, masks.idx_mask);
  REQUIRE(masked.shape() == Shape<3>{2, 12, 48});
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 12; ++k) {
      const TestType* row = pred.row(b * 16 + masks.idx_mask(b, k) - 1);
      for (Index i = 0; i < 48; ++i) {
        CHECK(masked.value()(b, k, i) == near(row[i], apart * pred_largest));
      }
    }
  }
}

struct Published {
  const char* name;  // of the parameter
  double raw;
  double norm_pix;
};

TEMPLATE_TEST_CASE("published MAE: losses and norms of gradients", "[golden]", float, double) {
  const std::array<Published, 9> gradients{{
      {"encoder.patch_embed.proj.weight", .01092331456, .01134215448},
      {"encoder.cls_token", .003195550166, .003173052808},
      {"decoder.mask_token", .1058855104, .1108586083},
      {"encoder.blocks.0.attn.qkv.weight", .006674447637, .006750215058},
      {"encoder.blocks.1.mlp.fc2.bias", .003373565815, .00338563951},
      {"encoder.norm.weight", .002241881613, .002339466443},
      {"decoder_embed.weight", .01512180848, .01558159724},
      {"decoder.blocks.0.attn.proj.weight", .1452200232, .1513268772},
      {"prediction_head.bias", .1130735917, .116568109},
  }};
  auto mae = published_mae<TestType>();
  const KeepMask masks = published_masks();
  for (const bool norm_pix : {false, true}) {
    mae.norm_pix_loss = norm_pix;
    Tape<TestType> tape;
    const Var<TestType, 4> images(published_images<TestType>(), &tape);
    const auto loss = mae.loss(images, masks.idx_keep, masks.idx_mask);
    CHECK(golden_mismatch<TestType>(source, norm_pix ? "loss, norm_pix" : "loss",
                                    loss.value().item(),
                                    norm_pix ? 1.23175395641 : 1.00398981138) == "");
    tape.backward(loss);
    std::size_t found = 0;
    for (const auto& parameter : named_parameters(mae)) {
      for (const Published& published : gradients) {
        if (parameter.name != published.name) continue;
        const double norm = std::sqrt(sum_of_squares(tape.gradient_values(parameter.key)));
        CHECK(golden_mismatch<TestType>(source, concat("gradient of ", published.name), norm,
                                        norm_pix ? published.norm_pix : published.raw) == "");
        ++found;
      }
    }
    CHECK(found == gradients.size());
  }
}

}  // namespace
}  // namespace tessera::test
