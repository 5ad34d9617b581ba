#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/io/checkpoint/known.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/naming/model_kind.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/models/masked_vision_transformer.hpp"

namespace tessera::io {

struct Naming;

/// Settings for reading a checkpoint. Nothing need be given: num_heads to global_pool answer what a
/// file may not say, and an error asks for them by name. What is given here counts before what the
/// file says.
struct CheckpointOptions {
  std::string naming = {};  ///< one of `namings` or own_naming; empty: recognized
  /// Of a training checkpoint: "state_dict_ema", "teacher.backbone". Empty: "model" or
  /// "state_dict", else the only one that holds a model; where there are several, the error lists
  /// them. Of a saved module of one's own: the member that is a model.
  std::string entry = {};
  /// The config.json of the model. Unset: the one in the folder of the file, if there. Empty: none.
  std::optional<std::filesystem::path> config = std::nullopt;
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<Size> image_size = std::nullopt;  ///< pixels that the positions are for
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
  std::optional<GlobalPool> global_pool = std::nullopt;
  std::optional<Activation> activation = std::nullopt;  ///< between the layers of an MLP
  TensorOptions tensors = {};
};

/// A tensor of a checkpoint by our name, put together from the tensors of the file.
struct CheckpointTensor {
  std::string name;  ///< "encoder.blocks.0.attn.qkv.weight"
  std::vector<Index> shape;
  Dtype dtype = Dtype::f32;
  std::vector<std::string> stored;  ///< names in the file; several: row blocks, in order
};

/// A weights file whose naming is recognized. A plain value; the file stays mapped while it lives.
struct Checkpoint {
  TensorSource source;             ///< of the entry
  TensorSource whole;              ///< of the file
  const Naming* naming = nullptr;  ///< null: own_naming
  CheckpointOptions options;
  JsonValues config;                      ///< of config.json, empty without one
  std::vector<CheckpointTensor> tensors;  ///< sorted by name
  std::string entry;                      ///< of the file that the model is; "": all of it
  std::string unused_config;              ///< why the config.json beside the file is not used
  std::vector<std::string_view> equal;    ///< namings that explain the names as well
  // As they may be printed:
  std::vector<std::string> heads;       ///< stored heads and poolers: no model here has them
  std::vector<std::string> partners;    ///< stored tensors of modules beside the model
  std::vector<std::string> unexpected;  ///< stored tensors that the naming does not know
  std::vector<std::string> others;      ///< entries beside the model: "optimizer"

  std::string_view naming_id() const;

  const CheckpointTensor* find(std::string_view name) const {
    const auto place = first_from(name);
    return place == tensors.end() || place->name != name ? nullptr : &*place;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  bool contains_part(std::string_view prefix) const {
    const auto place = first_from(prefix);
    return place != tensors.end() && place->name.starts_with(prefix);
  }

 private:
  std::vector<CheckpointTensor>::const_iterator first_from(std::string_view name) const {
    return std::lower_bound(
        tensors.begin(), tensors.end(), name,
        [](const CheckpointTensor& tensor, std::string_view key) { return tensor.name < key; });
  }
};

/// Sizes of the blocks of an encoder or decoder, from the shapes of its tensors.
struct StackShape {
  Index dim = 0;
  Index depth = 0;
  Index mlp_hidden = 0;  ///< columns of the last layer of the MLP
  Index positions = 0;   ///< rows of the position table
  bool qkv_bias = false;
  bool layer_scale = false;
  bool gated = false;  ///< SwiGLU: the first layer of the MLP makes two halves

  /// Rows of the first layer of the MLP.
  Index mlp_rows() const { return gated ? 2 * mlp_hidden : mlp_hidden; }
};

/// All that a checkpoint says about its model. docs/checkpoints.md has a table of what is inferred,
/// and from what.
struct CheckpointFacts {
  ModelKind kind = ModelKind::other;
  std::optional<StackShape> encoder;
  std::optional<StackShape> decoder;  ///< or predictor
  Index patch_size = 0;
  Index in_chans = 0;
  bool class_token = false;
  Index reg_tokens = 0;
  bool no_embed_class = false;
  Index position_prefix = 0;  ///< rows of the encoder's positions that are for prefix tokens
  /// A row of positions may be for the class token or for a patch: see image_size.
  bool unclear_positions = false;
  bool fc_norm = false;
  Known<GlobalPool> global_pool;
  Known<kernels::Bicubic> resampling;
  Known<Activation> activation;
  Known<Size> image_size;
  Known<Size> decoder_grid;  ///< in patches
  Known<Index> num_heads;
  Known<Index> decoder_num_heads;
  Known<double> layer_norm_eps;
  Known<bool> norm_pix_loss;

  Index prefix_tokens() const { return (class_token ? 1 : 0) + reg_tokens; }
};

}  // namespace tessera::io
