#pragma once

#include "tessera/core/shape.hpp"

// The vocabulary of this folder is that of Goto & van de Geijn ("Anatomy of high-performance matrix
// multiplication", 2008) and of BLIS: docs/glossary.md has it with a picture.

namespace tessera::kernels {

/// The form in which float products read their operands.
enum class GemmInput {
  f32,
  bf16,        ///< each float rounded to bfloat16
  bf16_split,  ///< each float as the sum of two bfloat16: a high and a low part
};

/// A matrix as a product reads it, outer index by k: element (r, k) is
/// data[r * outer_stride + k * k_stride]. The outer index of A is its row, that of B its column.
/// One of the two strides is 1.
struct StridedOperand {
  const float* data;
  Index outer_stride;
  Index k_stride;

  const float* at(Index r, Index k) const { return data + r * outer_stride + k * k_stride; }

  /// The part that begins at (r, k).
  StridedOperand from(Index r, Index k) const { return {at(r, k), outer_stride, k_stride}; }
};

}  // namespace tessera::kernels
