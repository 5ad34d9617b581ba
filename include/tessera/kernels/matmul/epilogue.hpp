#pragma once

#include <algorithm>

#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/matrix_view.hpp"
#include "tessera/kernels/simd/dispatch.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

/// What happens to a product's tile while it is still in cache:
/// c += bias; then, with `gelu`, c = gelu(c), the input of gelu kept in `gelu_input` if given; then
/// c += residual. The matrices are contiguous, as c must be when they are used.
template <class Scalar>
struct Epilogue {
  const Scalar* bias = nullptr;  ///< [N]
  bool gelu = false;
  Scalar* gelu_input = nullptr;      ///< [M, N]
  const Scalar* residual = nullptr;  ///< [M, N]

  bool empty() const { return !bias && !gelu && !gelu_input && !residual; }

  /// The epilogue of a block of c that begins at (row, col); `stride` is c's.
  [[gnu::always_inline]] Epilogue block(Index row, Index col, Index stride) const {
    return {advanced(bias, col), gelu, advanced(gelu_input, row * stride + col),
            advanced(residual, row * stride + col)};
  }
};

namespace detail {

template <class Scalar>
void apply_to_row(const Epilogue<Scalar>& epilogue, const Scalar* in, Scalar* out, Index cols) {
  if (out != in) std::copy_n(in, cols, out);
  if (epilogue.bias) {
    for (Index i = 0; i < cols; ++i) out[i] += epilogue.bias[i];
  }
  if (epilogue.gelu_input) std::copy_n(out, cols, epilogue.gelu_input);
  if (epilogue.gelu) gelu_forward(out, out, cols);
  if (epilogue.residual) {
    for (Index i = 0; i < cols; ++i) out[i] += epilogue.residual[i];
  }
}

#if defined(__GNUC__)
struct ApplyToRows {
  /// Up to one vector; a part of one is computed as the whole is, so a value's bits do not depend
  /// on its place.
  template <class Vector>
  [[gnu::always_inline]] static void step(const Epilogue<float>& epilogue, const float* in,
                                          float* out, Index at, Index count) {
    Vector value, other;
    load_part(value, in + at, count);
    if (epilogue.bias) {
      load_part(other, epilogue.bias + at, count);
      value += other;
    }
    if (epilogue.gelu_input) store_part(value, epilogue.gelu_input + at, count);
    if (epilogue.gelu) {
      gelu(value, other);
      value = other;
    }
    if (epilogue.residual) {
      load_part(other, epilogue.residual + at, count);
      value += other;
    }
    store_part(value, out + at, count);
  }

  template <class Vector>
  [[gnu::always_inline]] static void run(const Epilogue<float>* epilogue, const float* in,
                                         Index in_stride, float* out, Index out_stride, Index rows,
                                         Index cols) {
    constexpr Index width = lanes<Vector>;
    const Epilogue<float> all = *epilogue;
    for (Index r = 0; r < rows; ++r) {
      const Epilogue<float> of_row = all.block(r, 0, out_stride);
      const float* from = in + r * in_stride;
      float* to = out + r * out_stride;
      Index at = 0;
      for (; at + width <= cols; at += width) step<Vector>(of_row, from, to, at, width);
      if (at < cols) step<Vector>(of_row, from, to, at, cols - at);
    }
  }
};
#endif

}  // namespace detail

/// c = what the epilogue that belongs to c, or to a block of it, makes of `sums`, which may be c.
template <class Scalar>
void apply(const Epilogue<Scalar>& epilogue, MatrixView<const Scalar> sums, MatrixView<Scalar> c) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<detail::ApplyToRows, const Epilogue<float>*>(&epilogue, sums.data, sums.stride,
                                                                c.data, c.stride, c.rows, c.cols);
  } else {
    for (Index r = 0; r < c.rows; ++r) {
      detail::apply_to_row(epilogue.block(r, 0, c.stride), sums.row(r), c.row(r), c.cols);
    }
  }
}

}  // namespace tessera::kernels
