#pragma once

#include <span>
#include <string>

#include "tessera/core/size.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera {

/// One set of tokens in a picture made of characters.
struct TokenLayer {
  const TokenIndex& index;  ///< [B, K]
  char symbol;
};

/// One line per row of the patch grid: '.' for a patch in no layer, otherwise the symbol of the
/// last layer that has it. Prefix tokens are not drawn. Throws std::invalid_argument if a layer has
/// no such image, or a token behind the grid.
inline std::string draw_tokens(std::span<const TokenLayer> layers, Index image, const Size& grid,
                               Index num_prefix_tokens = 0) {
  constexpr std::string_view op = "draw_tokens";
  if (grid.height < 0 || grid.width < 0 || num_prefix_tokens < 0) {
    refuse(op, "grid ", grid, " and num_prefix_tokens = ", num_prefix_tokens,
           " must not be negative");
  }
  std::string text;
  for (Index row = 0; row < grid.height; ++row) {
    text.append(static_cast<std::size_t>(grid.width), '.').push_back('\n');
  }
  for (const TokenLayer& layer : layers) {
    const TokenIndex& index = layer.index;
    if (image < 0 || image >= index.dim(0)) {
      refuse(op, "image = ", image, " is outside index ", index.shape());
    }
    for (Index k = 0; k < index.dim(1); ++k) {
      const Index patch = index(image, k) - num_prefix_tokens;
      if (index(image, k) < 0 || patch >= grid.count()) {
        refuse(op, "index(", image, ", ", k, ") = ", index(image, k), " is not in the grid ", grid,
               " behind ", num_prefix_tokens, " prefix tokens");
      }
      if (patch < 0) continue;
      text[static_cast<std::size_t>(patch / grid.width * (grid.width + 1) + patch % grid.width)] =
          layer.symbol;
    }
  }
  return text;
}
inline std::string draw_tokens(std::initializer_list<TokenLayer> layers, Index image,
                               const Size& grid, Index num_prefix_tokens = 0) {
  return draw_tokens(std::span<const TokenLayer>(layers.begin(), layers.size()), image, grid,
                     num_prefix_tokens);
}

/// mask [B, P + N] as one line per row of the patch grid: '#' masked, '.' not. Throws
/// std::invalid_argument if the mask has no such image or does not fit the grid.
inline std::string draw_mask(const TokenMask& mask, Index image, const Size& grid,
                             Index num_prefix_tokens = 0) {
  constexpr std::string_view op = "draw_mask";
  if (image < 0 || image >= mask.dim(0)) {
    refuse(op, "image = ", image, " is outside mask ", mask.shape());
  }
  if (num_prefix_tokens < 0 || mask.dim(1) != num_prefix_tokens + grid.count()) {
    refuse(op, "mask ", mask.shape(), " does not fit the grid ", grid, " behind ",
           num_prefix_tokens, " prefix tokens");
  }
  const bool* next = mask.row(image) + num_prefix_tokens;
  std::string text;
  for (Index row = 0; row < grid.height; ++row) {
    for (Index column = 0; column < grid.width; ++column) text += *next++ ? '#' : '.';
    text += '\n';
  }
  return text;
}

}  // namespace tessera
