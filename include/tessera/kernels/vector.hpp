#pragma once

#include <cstdint>
#include <cstring>

#include "tessera/core/isa.hpp"

// Vectors of floats as GCC and Clang have them on every processor: +, -, *, /, < and ?: work
// element by element. A kernel is written once, as a template on the vector, and compiled for each
// instruction set by dispatch.hpp. Vectors pass by reference: by value they would bind a function
// to the calling convention of one instruction set.
#if defined(__GNUC__)

namespace tessera::kernels {

using Float4 [[gnu::vector_size(16)]] = float;   // SSE2
using Float8 [[gnu::vector_size(32)]] = float;   // AVX2
using Float16 [[gnu::vector_size(64)]] = float;  // AVX-512

/// What belongs to a vector type: integers of its size, and the type by which it is
/// read from memory of any alignment.
template <class Vector>
struct VectorTraits;
template <>
struct VectorTraits<Float4> {
  using Integers [[gnu::vector_size(16)]] = std::int32_t;
  using Words [[gnu::vector_size(16)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;
};
template <>
struct VectorTraits<Float8> {
  using Integers [[gnu::vector_size(32)]] = std::int32_t;
  using Words [[gnu::vector_size(32)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
};
template <>
struct VectorTraits<Float16> {
  using Integers [[gnu::vector_size(64)]] = std::int32_t;
  using Words [[gnu::vector_size(64)]] = std::uint32_t;
  using Unaligned [[gnu::vector_size(64), gnu::aligned(4), gnu::may_alias]] = float;
};

template <class Vector>
inline constexpr Index lanes = static_cast<Index>(sizeof(Vector) / sizeof(float));

template <class Vector>
[[gnu::always_inline]] inline void load(Vector& vector, const float* from) {
  vector = *reinterpret_cast<const typename VectorTraits<Vector>::Unaligned*>(from);
}

template <class Vector>
[[gnu::always_inline]] inline void store(const Vector& vector, float* to) {
  *reinterpret_cast<typename VectorTraits<Vector>::Unaligned*>(to) = vector;
}

/// The first `count` elements; the others are zero.
template <class Vector>
[[gnu::always_inline]] inline void load_part(Vector& vector, const float* from, Index count) {
  vector = Vector{};
  std::memcpy(&vector, from, static_cast<std::size_t>(count) * sizeof(float));
}

/// The same; the others are `fill`.
template <class Vector>
[[gnu::always_inline]] inline void load_part(Vector& vector, const float* from, Index count,
                                             float fill) {
  vector = Vector{} + fill;
  std::memcpy(&vector, from, static_cast<std::size_t>(count) * sizeof(float));
}

template <class Vector>
[[gnu::always_inline]] inline void store_part(const Vector& vector, float* to, Index count) {
  std::memcpy(to, &vector, static_cast<std::size_t>(count) * sizeof(float));
}

/// Sum of the elements, halves upon halves.
template <class Vector>
[[gnu::always_inline]] inline float sum_of(const Vector& vector) {
  Vector halves = vector;
#pragma GCC unroll 4
  for (Index half = lanes<Vector> / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (Index i = 0; i < half; ++i) halves[i] += halves[i + half];
  }
  return halves[0];
}

/// The largest of the elements, NaN left aside.
template <class Vector>
[[gnu::always_inline]] inline float largest_of(const Vector& vector) {
  Vector halves = vector;
#pragma GCC unroll 4
  for (Index half = lanes<Vector> / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (Index i = 0; i < half; ++i) {
      halves[i] = halves[i] < halves[i + half] ? halves[i + half] : halves[i];
    }
  }
  return halves[0];
}

}  // namespace tessera::kernels

#endif
