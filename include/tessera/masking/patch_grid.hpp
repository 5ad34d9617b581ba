#pragma once

#include <cmath>

#include "tessera/core/size.hpp"

namespace tessera {

/// Patches that cover an image. Throws std::invalid_argument unless they do so exactly.
inline Size patch_grid(std::string_view op, const Size& image, Index patch) {
  if (patch <= 0) refuse(op, "patch size ", patch, " must be positive");
  if (image.height <= 0 || image.width <= 0 || image.height % patch != 0 ||
      image.width % patch != 0) {
    refuse(op, "image size ", image, " is not a positive multiple of the patch size ", patch);
  }
  return {image.height / patch, image.width / patch};
}

/// The patch grid behind `num_prefix_tokens` in a sequence, as code without a grid
/// argument infers it. Throws std::invalid_argument if no patch is left or their count is not a
/// square.
inline Size square_grid(Index sequence_length, Index num_prefix_tokens) {
  constexpr std::string_view op = "square_grid";
  if (num_prefix_tokens < 0) {
    refuse(op, "num_prefix_tokens = ", num_prefix_tokens, " is negative");
  }
  if (sequence_length <= num_prefix_tokens) {
    refuse(op, "sequence_length = ", sequence_length,
           " leaves no patch behind num_prefix_tokens = ", num_prefix_tokens);
  }
  const Index patches = sequence_length - num_prefix_tokens;
  const Index side = std::lround(std::sqrt(static_cast<double>(patches)));
  if (side * side != patches) {
    refuse(op, patches, " patches (sequence_length = ", sequence_length,
           ", num_prefix_tokens = ", num_prefix_tokens, ") do not form a square");
  }
  return {side, side};
}

}  // namespace tessera
