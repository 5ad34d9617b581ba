#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tessera/io/checkpoint.hpp"

namespace example {

/// Options that answer what a weights file may not say.
struct CheckpointFlags {
  explicit CheckpointFlags(CLI::App& app) {
    app.add_option("--naming", naming, "whose names the file has, if it is not recognised");
    app.add_option("--entry", entry, "of a training checkpoint, such as state_dict_ema");
    app.add_option("--num-heads", num_heads, "attention heads of the encoder");
    app.add_option("--decoder-num-heads", decoder_num_heads, "attention heads of the decoder");
    app.add_option("--image-size", image_size, "height and width that the positions are for")
        ->expected(1, 2);
    app.add_option("--layer-norm-eps", layer_norm_eps, "of the layer norms");
    app.add_option("--norm-pix-loss", norm_pix_loss,
                   "1: trained on normalised pixels, 0: on raw ones");
  }

  tessera::io::CheckpointOptions options() const {
    tessera::io::CheckpointOptions options{.naming = naming,
                                           .entry = entry,
                                           .num_heads = num_heads,
                                           .decoder_num_heads = decoder_num_heads,
                                           .layer_norm_eps = layer_norm_eps,
                                           .norm_pix_loss = norm_pix_loss};
    if (!image_size.empty()) options.image_size = {image_size.front(), image_size.back()};
    return options;
  }

  std::string naming;
  std::string entry;
  std::optional<tessera::Index> num_heads;
  std::optional<tessera::Index> decoder_num_heads;
  std::vector<tessera::Index> image_size;
  std::optional<double> layer_norm_eps;
  std::optional<bool> norm_pix_loss;
};

/// --encoder context|target of an I-JEPA file.
inline void add_encoder_choice(CLI::App& app, std::string& choice) {
  app.add_option("--encoder", choice, "of an I-JEPA file: context or target")
      ->check(CLI::IsMember({"context", "target"}));
}

/// Reads the command line, then returns what body() does; its errors become one line and 1.
template <class Body>
int run_tool(CLI::App& app, int argc, char** argv, Body body) {
  try {
    app.parse(argc, argv);
    return body();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}

}  // namespace example
