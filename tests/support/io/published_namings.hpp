#pragma once

#include <set>
#include <string>

#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

/// The namings that can hold a model: what the code that has them can be configured to.
inline std::set<std::string> namings_for(const Case& published) {
  const Fixture& expected = published.expected;
  const std::string kind = published.kind();
  if (kind == "decoder") return {"lightly_decoder"};
  if (kind == "predictor") return {"lightly", "lightly_predictor", "lightly_predictor_legacy"};
  const bool square = expected.integer("grid_height") == expected.integer("grid_width");
  const bool biased = expected.flag("qkv_bias");
  if (kind == "ijepa") {
    return {"ijepa", "lightly", "lightly_predictor", "lightly_predictor_legacy"};
  }
  if (kind == "mae") {
    return {"hugging_face", "hugging_face_v5", "lightly", "lightly_legacy", "mae", "mmpretrain"};
  }
  std::set<std::string> namings{"lightly", "timm"};
  const bool registers = expected.integer("reg_tokens") > 0;
  const bool class_token = expected.flag("class_token");
  const bool plain = !registers && !expected.flag("layer_scale") && !expected.flag("fc_norm");
  if (plain) {
    namings.insert({"hugging_face", "hugging_face_v5"});
    if (square && !class_token) namings.insert("ijepa");
    if (biased && square && class_token) namings.insert("mae");
    if (biased && square && class_token && expected.integer("in_chans") == 3) {
      namings.insert({"torchvision", "torchvision_legacy", "lightly_torchvision"});
    }
  }
  if (!registers) namings.insert("mmpretrain");
  const bool placed_registers = registers && !expected.flag("no_embed_class");
  if (class_token && !expected.flag("fc_norm") && !placed_registers) namings.insert("dinov2");
  if (expected.flag("layer_scale") && class_token) {
    // Hugging Face's has a whole number for the ratio of its MLP.
    const Index factor = expected.text("mlp") == "swiglu" ? 3 : 2;
    if (expected.integer("mlp_hidden") * factor % (2 * expected.integer("embed_dim")) == 0) {
      namings.insert({"hugging_face", "hugging_face_v5"});
    }
  }
  return namings;
}

/// Whether read_back.py can compare the file with a fixture. It has outputs of a predictor alone
/// only for such files.
inline bool can_be_read_back(const Case& published, const std::string& naming) {
  const bool predictor = naming.starts_with("lightly_predictor");
  if (published.kind() == "ijepa" || published.kind() == "predictor") {
    return predictor == (published.kind() == "predictor");
  }
  return true;
}

}  // namespace tessera::io::test
