#pragma once

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, L, D], index [B, K], value [B, K, D] -> a copy of tokens with out[b, index[b, k]] =
/// value[b, k] [B, L, D].
/// Throws std::invalid_argument where the shapes do not fit, or if index leaves [0, L) or names a
/// token twice in a row: which value would win would be an accident.
template <std::floating_point Scalar>
Var<Scalar, 3> set_at_index(const Var<Scalar, 3>& tokens, const TokenIndex& index,
                            const Var<Scalar, 3>& value) {
  const Index length = tokens.dim(1);
  const Shape<3> expected{index.dim(0), index.dim(1), tokens.dim(2)};
  check_token_index("set_at_index", "index", index, tokens.dim(0), length);
  check_token_index_unique("set_at_index", "index", index, length);
  if (value.shape() != expected) {
    refuse("set_at_index", "value ", value.shape(), " must be ", expected, " to fill index ",
           index.shape(), " of tokens ", tokens.shape());
  }
  CachedVector<Index> target;
  target.reserve(static_cast<std::size_t>(index.size()));
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) target.push_back(b * length + index(b, k));
  }
  Tensor<Scalar, 3> out = tokens.value();
  for (std::size_t i = 0; i < target.size(); ++i) {
    std::copy_n(value.value().row(static_cast<Index>(i)), out.cols(), out.row(target[i]));
  }
  return record(
      "set_at_index", std::move(out),
      [dtokens = tokens.gradient(), dvalue = value.gradient(),
       target = std::move(target)](Tensor<Scalar, 3> dout) {
        if (dvalue.wanted()) {
          auto result = Tensor<Scalar, 3>::empty(dvalue.shape());
          kernels::copy_rows(dout.data(), result.data(), static_cast<Index>(target.size()),
                             dout.cols(),
                             [&](Index i) { return target[static_cast<std::size_t>(i)]; });
          dvalue.add(std::move(result));
        }
        if (dtokens.wanted()) {
          for (const Index row : target) std::fill_n(dout.row(row), dout.cols(), Scalar{});
          dtokens.add(std::move(dout));
        }
      },
      tokens, value);
}

}  // namespace tessera
