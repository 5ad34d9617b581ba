#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/file/fail.hpp"

namespace tessera::io::detail {

/// True if an image of this size has so many patches.
inline bool is_grid_of(const Size& image, Index patch, Index patches) {
  if (image.height < 1 || image.width < 1) return false;
  if (image.height % patch != 0 || image.width % patch != 0) return false;
  const Index rows = image.height / patch;
  return patches % rows == 0 && patches / rows == image.width / patch;
}

/// The square grid of so many patches, if there is one.
inline std::optional<Size> square_of(Index patches) {
  const Index side = std::lround(std::sqrt(static_cast<double>(patches)));
  if (side < 1 || side * side != patches) return std::nullopt;
  return Size{side, side};
}

/// The reason to ask for image_size.
inline std::string no_image_size(const CheckpointFacts& facts) {
  return facts.unclear_positions
             ? concat(facts.encoder->positions,
                      " positions are a square, or another grid with one for the class token")
             : concat("its grid is not square: ", facts.encoder->positions - facts.position_prefix,
                      " patches");
}

/// The prefix tokens that have a row in an encoder's position table.
enum class PrefixRows { all, class_token, none, unclear };

inline PrefixRows find_prefix_rows(const Checkpoint& file, const CheckpointFacts& facts,
                                   const std::optional<Size>& image) {
  if (file.naming != nullptr && file.naming->class_row) {
    return facts.class_token ? PrefixRows::class_token : PrefixRows::none;
  }
  if (facts.prefix_tokens() == 0) return PrefixRows::all;
  if (const auto without = file.config.get<bool>("model_args.no_embed_class")) {
    return *without ? PrefixRows::none : PrefixRows::all;
  }
  const Index rows = facts.encoder->positions;
  const auto can_be_patches = [&](Index count) {
    return image ? is_grid_of(*image, facts.patch_size, count) : square_of(count).has_value();
  };
  if (!can_be_patches(rows)) return PrefixRows::all;
  // timm's models with registers leave the prefix without positions wherever they can.
  if (facts.reg_tokens > 0) return PrefixRows::none;
  // A class token alone has a row or not: 225 rows are a square without one, or 14 x 16 with it.
  if (can_be_patches(rows - facts.prefix_tokens())) return PrefixRows::all;
  return image ? PrefixRows::none : PrefixRows::unclear;
}

/// Finds which rows of the position table belong to prefix tokens, and the image that the others
/// are for. `said` is that image, if something says it.
inline void find_grid(const Checkpoint& file, Known<Size> said, CheckpointFacts& facts) {
  const PrefixRows rows = find_prefix_rows(file, facts, said.value);
  facts.unclear_positions = rows == PrefixRows::unclear;
  const bool some_without = rows == PrefixRows::class_token && facts.reg_tokens > 0;
  const bool all_without = rows == PrefixRows::none || rows == PrefixRows::unclear;
  facts.no_embed_class = some_without || (all_without && facts.prefix_tokens() > 0);
  facts.position_prefix = rows == PrefixRows::all           ? facts.prefix_tokens()
                          : rows == PrefixRows::class_token ? 1
                                                            : 0;
  if (facts.unclear_positions) return;

  const Index patches = facts.encoder->positions - facts.position_prefix;
  if (said.value) {
    if (!is_grid_of(*said.value, facts.patch_size, patches)) {
      refuse_file(file.source.label(), "image_size ", *said.value, " (", said.from,
                  ") in patches of ", facts.patch_size, " does not make the ", patches,
                  " that the file has positions for");
    }
    facts.image_size = said;
  } else if (const auto square = square_of(patches)) {
    const bool always = file.naming != nullptr && file.naming->square;
    facts.image_size = {Size{square->height * facts.patch_size, square->width * facts.patch_size},
                        always ? Origin::naming : Origin::square_grid};
  }
}

}  // namespace tessera::io::detail
