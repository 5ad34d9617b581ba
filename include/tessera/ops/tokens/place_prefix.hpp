#pragma once

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, K, D] that stand at places idx [B, K] of a sequence, prefix [1, P, D] -> tokens with
/// row p of prefix wherever idx is p < P [B, K, D].
/// Throws std::invalid_argument where the shapes do not fit or an index is negative.
template <std::floating_point Scalar>
Var<Scalar, 3> place_prefix(const Var<Scalar, 3>& tokens, const Var<Scalar, 3>& prefix,
                            const TokenIndex& idx) {
  if (idx.shape() != Shape<2>{tokens.dim(0), tokens.dim(1)}) {
    refuse("place_prefix", "idx ", idx.shape(), " must name a place for each of tokens ",
           tokens.shape());
  }
  if (prefix.dim(0) != 1 || prefix.dim(2) != tokens.dim(2)) {
    refuse("place_prefix", "prefix ", prefix.shape(),
           " must be [1, P, D] with the width of tokens ", tokens.shape());
  }
  const Index count = prefix.dim(1);
  CachedVector<Index> source;  // row of prefix, or -1
  source.reserve(static_cast<std::size_t>(idx.size()));
  for (Index b = 0; b < idx.dim(0); ++b) {
    for (Index k = 0; k < idx.dim(1); ++k) {
      const Index place = idx(b, k);
      if (place < 0) refuse("place_prefix", "idx(", b, ", ", k, ") = ", place, " is negative");
      source.push_back(place < count ? place : -1);
    }
  }
  Tensor<Scalar, 3> out = tokens.value();
  for (Index r = 0; r < out.rows(); ++r) {
    const Index from = source[static_cast<std::size_t>(r)];
    if (from >= 0) std::copy_n(prefix.value().row(from), out.cols(), out.row(r));
  }
  return record(
      "place_prefix", std::move(out),
      [dtokens = tokens.gradient(), dprefix = prefix.gradient(),
       source = std::move(source)](Tensor<Scalar, 3> dout) {
        if (dprefix.wanted()) {
          Tensor<Scalar, 3> result(dprefix.shape());
          detail::scatter_add_rows(dout.data(), result.data(), source, result.rows(),
                                   result.cols());
          dprefix.add(std::move(result));
        }
        for (Index r = 0; dtokens.wanted() && r < dout.rows(); ++r) {
          if (source[static_cast<std::size_t>(r)] >= 0) {
            std::fill_n(dout.row(r), dout.cols(), Scalar{});
          }
        }
        dtokens.add(std::move(dout));
      },
      tokens, prefix);
}

}  // namespace tessera
