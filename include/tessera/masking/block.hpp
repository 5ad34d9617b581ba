#pragma once

#include <vector>

#include "tessera/core/random/generator.hpp"
#include "tessera/core/size.hpp"

namespace tessera::detail {

/// A rectangle of patches.
struct Block {
  Index top;
  Index left;
  Index height;
  Index width;

  bool contains(Index row, Index column) const {
    return row >= top && row < top + height && column >= left && column < left + width;
  }
};

inline bool any_contains(const std::vector<Block>& blocks, std::size_t count, Index row,
                         Index column) {
  for (std::size_t i = 0; i < count; ++i) {
    if (blocks[i].contains(row, column)) return true;
  }
  return false;
}

/// A block of `size` at a random place; `places` counts the rows and columns its corner may be in.
inline Block place_block(const Size& size, const Size& places, Generator& generator) {
  const Index top = generator.randint(0, places.height);
  const Index left = generator.randint(0, places.width);
  return {top, left, size.height, size.width};
}

/// Flat indices, ascending, of the cells of `block` that none of the first `count` others has.
inline std::vector<Index> free_cells(const Block& block, const std::vector<Block>& others,
                                     std::size_t count, Index grid_width) {
  std::vector<Index> cells;
  for (Index row = block.top; row < block.top + block.height; ++row) {
    for (Index column = block.left; column < block.left + block.width; ++column) {
      if (!any_contains(others, count, row, column)) cells.push_back(row * grid_width + column);
    }
  }
  return cells;
}

}  // namespace tessera::detail
