#include "tessera/io/naming/foreign.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

namespace {

std::string verdict(const std::vector<std::string>& names) {
  return detail::foreign_model(names, names).value_or("none");
}

}  // namespace

TEST_CASE("foreign: models of other kinds are told by names that only they have") {
  // Names as timm 1.0.31, transformers 5.24 and the authors' code write them.
  CHECK(verdict({"cls_token", "dist_token", "blocks.0.norm1.weight"}) ==
        "is a distilled DeiT ('dist_token'): its distillation token is a second class token with a "
        "head of its own");
  CHECK(verdict({"embeddings.distillation_token"}).starts_with("is a DeiT of Hugging Face ("));
  CHECK(verdict({"blocks.0.gamma_1", "blocks.0.attn.relative_position_bias_table"})
            .starts_with("is a BEiT ('blocks.0.attn.relative_position_bias_table'): "));
  CHECK(verdict({"encoder.layer.3.lambda_1"}).starts_with("is a BEiT or data2vec"));
  CHECK(verdict({"layers.0.blocks.0.attn.relative_position_bias_table",
                 "layers.1.downsample.reduction.weight"})
            .starts_with("is a Swin transformer"));
  CHECK(verdict({"visual.transformer.resblocks.0.ln_1.weight"}).starts_with("is a CLIP ("));
  CHECK(verdict({"pre_layrnorm.weight"}).starts_with("is a CLIP of Hugging Face"));
  CHECK(verdict({"norm_pre.weight"}).starts_with("is a CLIP encoder of timm"));
  CHECK(verdict({"head.probe"}).starts_with("is a SigLIP of Hugging Face"));
  CHECK(verdict({"attn_pool.latent"}).starts_with("is a SigLIP encoder of timm"));
  CHECK(verdict({"embeddings.register_tokens", "embeddings.patch_embeddings.weight"})
            .starts_with("is a DINOv3 of Hugging Face"));
  CHECK(verdict({"reg_token", "blocks.0.gamma_1"}).starts_with("is a DINOv3 of timm"));
  CHECK(verdict({"storage_tokens"}).starts_with("is a DINOv3 ("));
  CHECK(verdict({"blocks.0.attn.q_bias"}).starts_with("is a BEiT, EVA or VideoMAE"));
  CHECK(verdict({"blocks.0.attn.rel_pos_h"}).starts_with("is the encoder of a Segment Anything"));
  CHECK(verdict({"blocks.0._flat_param"}).find("FSDP") != std::string::npos);
}

TEST_CASE("foreign: a mark is a whole part of a name") {
  CHECK(verdict({"my_dist_token", "dist_tokens", "xnorm_pre.weight", "prenorm_pre"}) == "none");
  CHECK(verdict({"blocks.0.norm1.weight", "reg_token", "norm.weight"}) == "none");
  CHECK(verdict({}) == "none");
}

}  // namespace tessera::io::test
