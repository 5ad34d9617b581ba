#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// A model that is none of Tessera's, told by parts of its names ('*' is the number of a block), so
/// that an error says what a file is instead of what it is not.
struct ForeignModel {
  std::string_view mark;
  std::string_view also;  ///< another mark that it must have; "": none
  std::string_view model;
  std::string_view why;
};

// Names from timm 1.0.31, transformers 5.24 and the authors' code. Where a mark is part of several
// models, the narrower one comes first.
inline constexpr auto foreign_models = std::to_array<ForeignModel>({
    {"_flat_param", "", "a model whose parameters FSDP keeps in one piece",
     "gather them before saving: StateDictType.FULL_STATE_DICT"},
    {"lora_A", "", "a model with LoRA adapters", "merge them into the weights before saving"},
    {"dist_token", "", "a distilled DeiT",
     "its distillation token is a second class token with a head of its own"},
    {"distillation_token", "", "a DeiT of Hugging Face",
     "its distillation token is a second class token with a head of its own"},
    {"storage_tokens", "", "a DINOv3", "it has rotary positions instead of a table"},
    {"rope_embed.periods", "", "a DINOv3", "it has rotary positions instead of a table"},
    {"embeddings.patch_embeddings.weight", "embeddings.register_tokens", "a DINOv3 of Hugging Face",
     "it has rotary positions instead of a table"},
    {"blocks.*.gamma_1", "reg_token", "a DINOv3 of timm",
     "it has rotary positions instead of a table"},
    {"relative_position_bias_table", "downsample.reduction", "a Swin transformer",
     "its attention is in windows, with relative positions"},
    {"relative_position_bias_table", "", "a BEiT",
     "its attention has relative positions and no bias of the key"},
    {"lambda_1", "", "a BEiT or data2vec of Hugging Face",
     "its attention has relative positions and no bias of the key"},
    {"attn.q_bias", "", "a BEiT, EVA or VideoMAE", "its attention has no bias of the key"},
    {"blocks.*.attn.norm", "", "a BEiT-3", "it normalizes inside of attention and MLP"},
    {"blocks.*.gamma_1", "", "a BEiT, EVA or CaiT", "its attention is of another kind"},
    {"transformer.resblocks.*", "", "a CLIP", "it normalizes before its blocks"},
    {"pre_layrnorm", "", "a CLIP of Hugging Face", "it normalizes before its blocks"},
    {"norm_pre", "", "a CLIP encoder of timm", "it normalizes before its blocks"},
    {"pre_norm", "", "a CLIP encoder of MMPretrain", "it normalizes before its blocks"},
    {"head.probe", "", "a SigLIP of Hugging Face", "it pools by attention"},
    {"attn_pool", "", "a SigLIP encoder of timm", "it pools by attention"},
    {"embeddings.patch_embedding.weight", "embeddings.position_embedding.weight",
     "a CLIP or SigLIP of Hugging Face", "its encoder is another one"},
    {"attn.rel_pos_h", "", "the encoder of a Segment Anything Model",
     "its attention has relative positions, most of it in windows"},
    {"attn.q_norm", "", "a ViT with norms of query and key", "no model here has these"},
    {"blocks.*.attns", "", "a ViT with parallel blocks", "no model here has these"},
    {"attn_out_proj", "", "a ViT with parallel attention and MLP", "no model here has these"},
});

/// True if a mark stands in a name, from the begin of a part to the end of one.
inline bool has_mark(std::string_view pattern, std::string_view mark) {
  for (std::size_t at = pattern.find(mark); at != std::string_view::npos;
       at = pattern.find(mark, at + 1)) {
    const std::size_t end = at + mark.size();
    const bool begins = at == 0 || pattern[at - 1] == '.';
    if (begins && (end == pattern.size() || pattern[end] == '.')) return true;
  }
  return false;
}

/// "a distilled DeiT ('dist_token'): its ...", if names without what wrappers put into them are
/// those of such a model. `marked` may be fewer of them, among which its mark is looked for.
inline std::optional<std::string> foreign_model(const std::vector<std::string>& marked,
                                                const std::vector<std::string>& all) {
  std::vector<std::string> patterns;
  patterns.reserve(marked.size());
  for (const std::string& name : marked) patterns.push_back(without_number(name).first);
  const auto any_has = [](const std::vector<std::string>& names, std::string_view mark) {
    for (const std::string& name : names) {
      if (has_mark(name, mark)) return true;
    }
    return false;
  };
  for (const ForeignModel& foreign : foreign_models) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (!has_mark(patterns[i], foreign.mark)) continue;
      if (!foreign.also.empty() && !any_has(all, foreign.also)) continue;
      return concat("is ", foreign.model, " (", in_quotes(marked[i]), "): ", foreign.why);
    }
  }
  return std::nullopt;
}

}  // namespace tessera::io::detail
