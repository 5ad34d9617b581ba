#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "support/print.hpp"
#include "tessera/io/weights/load.hpp"

namespace example {

/// Options that answer what a weights file may not say.
struct CheckpointFlags {
  explicit CheckpointFlags(CLI::App& app) {
    app.add_option("--naming", naming, "whose names the file has, if it is not recognized");
    app.add_option("--entry", entry, "of a training checkpoint, such as state_dict_ema");
    app.add_option("--num-heads", num_heads, "attention heads of the encoder");
    app.add_option("--decoder-num-heads", decoder_num_heads, "attention heads of the decoder");
    app.add_option("--image-size", image_size, "height and width that the positions are for")
        ->expected(1, 2);
    app.add_option("--layer-norm-eps", layer_norm_eps, "of the layer norms");
    app.add_option("--norm-pix-loss", norm_pix_loss,
                   "1: trained on normalized pixels, 0: on raw ones");
    app.add_flag("--unknown-objects-as-data", unknown_objects,
                 "read torch files that mention other classes; nothing in them is called");
  }

  tessera::io::CheckpointOptions options() const {
    tessera::io::CheckpointOptions options{.naming = naming,
                                           .entry = entry,
                                           .num_heads = num_heads,
                                           .decoder_num_heads = decoder_num_heads,
                                           .layer_norm_eps = layer_norm_eps,
                                           .norm_pix_loss = norm_pix_loss};
    if (!image_size.empty()) options.image_size = {image_size.front(), image_size.back()};
    options.tensors.torch.pickle.unknown_objects_as_data = unknown_objects;
    return options;
  }

  std::string naming;
  std::string entry;
  std::optional<tessera::Index> num_heads;
  std::optional<tessera::Index> decoder_num_heads;
  std::vector<tessera::Index> image_size;
  std::optional<double> layer_norm_eps;
  std::optional<bool> norm_pix_loss;
  bool unknown_objects = false;
};

/// Choices for loading: which encoder of an I-JEPA file, and whether values are looked at.
struct LoadFlags {
  explicit LoadFlags(CLI::App& app) {
    app.add_option("--encoder", encoder, "of an I-JEPA file: context or target")
        ->check(CLI::IsMember({"context", "target"}));
    app.add_flag("--reject-non-finite", reject_non_finite, "refuse weights with NaN or infinity");
  }

  tessera::io::LoadOptions options() const {
    using tessera::io::EncoderChoice;
    tessera::io::LoadOptions options{.reject_non_finite = reject_non_finite};
    if (encoder == "target") options.encoder = EncoderChoice::target;
    if (encoder == "context") options.encoder = EncoderChoice::context;
    return options;
  }

  std::string encoder;
  bool reject_non_finite = false;
};

/// Says what the results rest on and no tensor shows: the heads, and settings that were not used.
inline void print_assumptions(const tessera::io::Checkpoint& file) {
  if (!file.unused_config.empty()) print("not used: ", file.unused_config);
  const auto heads = tessera::io::read_facts(file).num_heads;
  if (heads.value) print("heads: ", *heads.value, " (", heads.from, ")");
}

/// Throws std::runtime_error naming the file if its model does not take pictures of three channels.
inline void require_color(const tessera::io::Checkpoint& file, tessera::Index channels) {
  if (channels == 3) return;
  throw std::runtime_error(tessera::concat(file.source.label(), ": its model takes ", channels,
                                           " channels, and images here have 3"));
}

}  // namespace example
