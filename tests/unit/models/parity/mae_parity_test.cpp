// MAE against lightly's parts and Hugging Face's ViTMAE.

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/token_mask.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/ops/tokens/set_at_index.hpp"

namespace tessera::test {
namespace {

const std::vector<std::string> nothing;

/// The published code's form: the whole sequence is decoded, [B, N, p p C] in the order of patches.
template <class Scalar>
Tensor<Scalar, 3> predict_all_patches(const MAE<Scalar>& mae, const Tensor<Scalar, 4>& images,
                                      const TokenIndex& idx_keep, const TokenIndex& idx_mask) {
  const auto kept = mae.decoder_embed(mae.encoder.encode(images, {.idx_keep = idx_keep}));
  const Tensor<Scalar, 3> zeros(
      {images.dim(0), mae.decoder.sequence_length(), mae.decoder.config.embed_dim});
  const auto decoded =
      mae.decoder.forward(set_at_index(Var(zeros), idx_keep, kept), {.idx_mask = idx_mask});
  const Index prefix = mae.encoder.num_prefix_tokens();
  return mae.prediction_head(slice_tokens(decoded, prefix, decoded.dim(1) - prefix)).value();
}

TEMPLATE_TEST_CASE("MAE: prediction, both losses and gradients are lightly's", "[parity]", float,
                   double) {
  for (const char* name : {"mae_square", "mae_wide_gray", "mae_tall_registers"}) {
    const Fixture fixture(name);
    MAE<TestType> mae(mae_config_of(fixture));
    fixture.load(mae);
    const auto pixels = fixture.tensor<TestType, 4>("input.images");
    const TokenIndex idx_keep = fixture.index("input.idx_keep");
    const TokenIndex idx_mask = fixture.index("input.idx_mask");
    CHECK(is_partition(idx_keep, idx_mask, mae.encoder.sequence_length()));
    CHECK(fixture.mismatch("output.prediction", mae.forward(pixels, idx_keep, idx_mask).value()) ==
          "");
    for (const bool norm_pix : {false, true}) {
      MAE<TestType> other = mae;
      other.norm_pix_loss = norm_pix;
      CHECK(fixture.mismatch(norm_pix ? "output.loss_norm_pix" : "output.loss_raw",
                             other.loss(pixels, idx_keep, idx_mask).value()) == "");
    }
    Tape<TestType> tape;
    const auto loss = mae.loss(Var<TestType, 4>(pixels, &tape), idx_keep, idx_mask);
    CHECK(fixture.mismatch("output.loss", loss.value()) == "");
    tape.backward(loss);
    CHECK(fixture.gradient_mismatch(mae, tape) == "");
    CHECK(fixture.unused() == nothing);
  }
}

TEMPLATE_TEST_CASE("MAE: Hugging Face's ViTMAE, from its noise to its gradients", "[parity]", float,
                   double) {
  for (const char* name : {"hf_mae_raw", "hf_mae_norm_pix"}) {
    const Fixture fixture(name);
    MAE<TestType> mae(mae_config_of(fixture));
    fixture.load(mae, {"encoder.mask_token"});
    const auto pixels = fixture.tensor<TestType, 4>("input.images");
    const TokenIndex idx_keep = fixture.index("input.idx_keep");
    const TokenIndex idx_mask = fixture.index("input.idx_mask");
    const Index patches = mae.encoder.grid().count();

    // Their form of the same masks: ids_restore undoes the shuffle, mask is in patch order.
    const TokenIndex order = tessera::detail::argsort(fixture.tensor<double, 2>("input.noise"));
    const auto ids_restore = fixture.index("output.ids_restore");
    const TokenMask mask = fixture.mask("output.mask");
    for (Index b = 0; b < order.dim(0); ++b) {
      CHECK(idx_keep(b, 0) == 0);
      for (Index k = 0; k < patches; ++k) {
        const Index kept = idx_keep.dim(1) - 1;
        const Index token = k < kept ? idx_keep(b, k + 1) : idx_mask(b, k - kept);
        CHECK(token == order(b, k) + 1);
        CHECK(ids_restore(b, order(b, k)) == k);
        CHECK(mask(b, order(b, k)) == (k >= kept));
      }
    }

    CHECK(fixture.mismatch("output.logits", predict_all_patches(mae, pixels, idx_keep, idx_mask)) ==
          "");
    const auto logits = fixture.tensor<double, 3>("output.logits");
    const auto expected = get_at_index(Var(logits), shift_index(idx_mask, -1)).value();
    const auto prediction = mae.forward(pixels, idx_keep, idx_mask).value();
    REQUIRE(prediction.shape() == expected.shape());
    CHECK(relative_difference<TestType>(prediction.values(), expected.values()) <=
          parity_tolerance<TestType>);

    Tape<TestType> tape;
    const auto loss = mae.loss(Var<TestType, 4>(pixels, &tape), idx_keep, idx_mask);
    CHECK(fixture.mismatch("output.loss", loss.value()) == "");
    tape.backward(loss);
    CHECK(fixture.gradient_mismatch(mae, tape) == "");
    CHECK(fixture.unused() == nothing);
  }
}

}  // namespace
}  // namespace tessera::test
