#include "tessera/io/naming/dialects.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

namespace {

using namespace detail::names;

/// What our name of `theirs` is in a list of pairs, "" if it has none.
std::string_view ours_of(std::span<const NamePair> pairs, std::string_view theirs) {
  for (const NamePair& pair : pairs) {
    if (pair.theirs == theirs) return pair.ours;
  }
  return "";
}

}  // namespace

TEST_CASE("dialects: the names that differ between the published codes") {
  CHECK(ours_of(torchvision.outside, "class_token") == "cls_token");
  CHECK(ours_of(torchvision.inside[0], "self_attention.in_proj_weight") == "attn.qkv.weight");
  CHECK(ours_of(torchvision.inside[1], "mlp.3.") == "mlp.fc2.");
  CHECK(ours_of(torchvision_old.inside[1], "mlp.linear_2.") == "mlp.fc2.");
  CHECK(ours_of(hf_vit.inside[1], "output.dense.") == "mlp.fc2.");
  CHECK(ours_of(hf_vit.inside[0], "attention.output.dense.") == "attn.proj.");
  CHECK(ours_of(hf5_vit.inside[0], "attention.o_proj.") == "attn.proj.");
  CHECK(ours_of(dinov2.outside, "register_tokens") == "reg_token");
  CHECK(ours_of(dinov2_gated.inside[1], "mlp.w12.") == "mlp.fc1.");
  CHECK(ours_of(hf_dinov2_gated.inside[2], "mlp.weights_in.") == "mlp.fc1.");
  CHECK(ours_of(mae_decoder.outside, "decoder_pred.") == "prediction_head.");
  CHECK(ours_of(ijepa_predictor.outside, "mask_token") == "predictor.mask_token");
}

TEST_CASE("dialects: a query, a key and a value are thirds, a gate and a value halves") {
  for (const Dialect* dialect : {&hf_vit, &hf_decoder, &hf5_vit, &hf5_dinov2}) {
    Index thirds = 0;
    for (const NamePair& pair : dialect->inside[0]) {
      if (pair.ours == "attn.qkv.weight" || pair.ours == "attn.qkv.bias") {
        CHECK(pair.parts == 3);
        CHECK(pair.part == thirds++ % 3);
      }
    }
    CHECK(thirds == 6);
  }
  CHECK(hf5_dinov2_gated.inside[2][0].theirs == "mlp.gate_proj.");
  CHECK(hf5_dinov2_gated.inside[2][0].part == 0);
  CHECK(hf5_dinov2_gated.inside[2][1].parts == 2);
}

TEST_CASE("dialects: what a model of that code may lack") {
  const auto optional = [](std::span<const NamePair> pairs) {
    Index count = 0;
    for (const NamePair& pair : pairs) count += pair.optional;
    return count;
  };
  CHECK(optional(timm_encoder.outside) == 4);  // class token, registers, and one of two norms
  CHECK(optional(timm_encoder.inside[0]) == 3);
  CHECK(optional(mae_encoder.outside) + optional(mae_encoder.inside[0]) == 0);
  CHECK(optional(dinov2.outside) == 1);
  CHECK(optional(torchvision.outside) == 0);
}

}  // namespace tessera::io::test
