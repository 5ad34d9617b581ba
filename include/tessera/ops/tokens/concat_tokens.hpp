#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/arithmetic.hpp"

namespace tessera {

namespace detail {

/// Copies tokens [first, first + count) of each image between [B, *, D] tensors; a source with one
/// image serves all.
template <std::floating_point Scalar>
void copy_tokens(const Tensor<Scalar, 3>& from, Index from_first, Tensor<Scalar, 3>& to,
                 Index to_first, Index count) {
  parallel_for(to.dim(0), [&](Index b) {
    const Index image = from.dim(0) == 1 ? 0 : b;
    std::copy_n(from.row(image * from.dim(1) + from_first), count * to.dim(2),
                to.row(b * to.dim(1) + to_first));
  });
}

}  // namespace detail

/// a [B or 1, M, D], b [B, N, D] -> [B, M + N, D], a before b; an `a` with one image is put before
/// every image (class and register tokens).
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar>
Var<Scalar, 3> concat_tokens(const Var<Scalar, 3>& a, const Var<Scalar, 3>& b) {
  if ((a.dim(0) != b.dim(0) && a.dim(0) != 1) || a.dim(2) != b.dim(2)) {
    refuse("concat_tokens", "a ", a.shape(), " must have one image or those of b ", b.shape(),
           ", and its width");
  }
  const Index front = a.dim(1);
  auto out = Tensor<Scalar, 3>::empty({b.dim(0), front + b.dim(1), b.dim(2)});
  detail::copy_tokens(a.value(), 0, out, 0, front);
  detail::copy_tokens(b.value(), 0, out, front, b.dim(1));
  return record(
      "concat_tokens", std::move(out),
      [da = a.gradient(), db = b.gradient()](const Tensor<Scalar, 3>& dout) {
        const Index count = da.shape()[1];
        if (da.wanted()) {
          Tensor<Scalar, 3> result(da.shape());
          if (da.shape()[0] == dout.dim(0)) {
            detail::copy_tokens(dout, 0, result, 0, count);
          } else {
            for (Index image = 0; image < dout.dim(0); ++image) {
              kernels::add(dout.row(image * dout.dim(1)), std::as_const(result).data(),
                           result.data(), result.size());
            }
          }
          da.add(std::move(result));
        }
        if (db.wanted()) {
          auto result = Tensor<Scalar, 3>::empty(db.shape());
          detail::copy_tokens(dout, count, result, 0, result.dim(1));
          db.add(std::move(result));
        }
      },
      a, b);
}

}  // namespace tessera
