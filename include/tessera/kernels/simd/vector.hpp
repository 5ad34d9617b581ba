#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/core/threads/isa.hpp"

// Vectors of floats as GCC and Clang have them on every processor: +, -, *, /, < and ?: work
// element by element. A kernel is written once, as a template on the vector, and compiled for each
// instruction set by dispatch.hpp. A plain Scalar counts as a vector of one lane: the kernel then
// serves every Scalar on every processor. Vectors pass by reference: by value they would bind a
// function to the calling convention of one instruction set.

namespace tessera::kernels {

using Float4 [[gnu::vector_size(16)]] = float;   // SSE2
using Float8 [[gnu::vector_size(32)]] = float;   // AVX2
using Float16 [[gnu::vector_size(64)]] = float;  // AVX-512

/// Types that belong to a vector: its element, integers of its size, and the type by which it is
/// read from memory of any alignment.
template <class Scalar>
struct VectorTraits {
  using Element = Scalar;
  using Unaligned = Scalar;
};
template <>
struct VectorTraits<Float4> {
  using Element = float;
  using Integers [[gnu::vector_size(16)]] = std::int32_t;
  using Bits [[gnu::vector_size(16)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;
};
template <>
struct VectorTraits<Float8> {
  using Element = float;
  using Integers [[gnu::vector_size(32)]] = std::int32_t;
  using Bits [[gnu::vector_size(32)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
};
template <>
struct VectorTraits<Float16> {
  using Element = float;
  using Integers [[gnu::vector_size(64)]] = std::int32_t;
  using Bits [[gnu::vector_size(64)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(64), gnu::aligned(4), gnu::may_alias]] = float;
};

template <class Vector>
using ElementOf = typename VectorTraits<Vector>::Element;

/// A vector as two of half its size.
template <class Vector>
struct VectorHalves {
  std::conditional_t<sizeof(Vector) == 64, Float8, Float4> lower, upper;
};

/// Elements of a vector.
template <class Vector>
inline constexpr Index lanes = static_cast<Index>(sizeof(Vector) / sizeof(ElementOf<Vector>));

template <class Vector>
[[gnu::always_inline]] inline void load(Vector& vector, const ElementOf<Vector>* from) {
  vector = *reinterpret_cast<const typename VectorTraits<Vector>::Unaligned*>(from);
}

template <class Vector>
[[gnu::always_inline]] inline void store(const Vector& vector, ElementOf<Vector>* to) {
  *reinterpret_cast<typename VectorTraits<Vector>::Unaligned*>(to) = vector;
}

/// The first `count` elements; the others are `fill`.
template <class Vector>
[[gnu::always_inline]] inline void load_part(Vector& vector, const ElementOf<Vector>* from,
                                             Index count, ElementOf<Vector> fill = 0) {
  vector = Vector{} + fill;
  std::memcpy(&vector, from, static_cast<std::size_t>(count) * sizeof(ElementOf<Vector>));
}

template <class Vector>
[[gnu::always_inline]] inline void store_part(const Vector& vector, ElementOf<Vector>* to,
                                              Index count) {
  std::memcpy(to, &vector, static_cast<std::size_t>(count) * sizeof(ElementOf<Vector>));
}

/// Sum of the elements: the upper half is added to the lower one until one element is left.
template <class Vector>
[[gnu::always_inline]] inline ElementOf<Vector> sum_of(const Vector& vector) {
  if constexpr (lanes<Vector> == 1) {
    return vector;
  } else if constexpr (lanes<Vector> == 4) {
    return (vector[0] + vector[2]) + (vector[1] + vector[3]);
  } else {
    const auto halves = __builtin_bit_cast(VectorHalves<Vector>, vector);
    return sum_of(halves.lower + halves.upper);
  }
}

/// The largest of the elements, NaN left aside.
template <class Vector>
[[gnu::always_inline]] inline ElementOf<Vector> largest_of(const Vector& vector) {
  if constexpr (lanes<Vector> == 1) {
    return vector;
  } else if constexpr (lanes<Vector> == 4) {
    const float even = vector[0] < vector[2] ? vector[2] : vector[0];
    const float odd = vector[1] < vector[3] ? vector[3] : vector[1];
    return even < odd ? odd : even;
  } else {
    const auto halves = __builtin_bit_cast(VectorHalves<Vector>, vector);
    return largest_of(halves.lower < halves.upper ? halves.upper : halves.lower);
  }
}

}  // namespace tessera::kernels
