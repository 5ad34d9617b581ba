#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

namespace detail {

/// tokens with mask_token where mask is true, in the name of `op`, which has checked the mask.
template <std::floating_point Scalar>
Var<Scalar, 3> mask_tokens(std::string_view op, const Var<Scalar, 3>& tokens, TokenMask mask,
                           const Var<Scalar, 3>& mask_token) {
  if (mask_token.shape() != Shape<3>{1, 1, tokens.dim(2)}) {
    refuse(op, "mask_token ", mask_token.shape(), " must be [1, 1, D] with the width of tokens ",
           tokens.shape());
  }
  Tensor<Scalar, 3> out = tokens.value();
  for (Index row = 0; row < out.rows(); ++row) {
    if (mask.data()[row]) std::copy_n(mask_token.value().data(), out.cols(), out.row(row));
  }
  return record(
      op, std::move(out),
      [dtokens = tokens.gradient(), dmask_token = mask_token.gradient(),
       mask = std::move(mask)](Tensor<Scalar, 3> dout) {
        const Index cols = dout.cols();
        if (dmask_token.wanted()) {
          Tensor<Scalar, 3> result(dmask_token.shape());
          CachedVector<Index> source;
          source.reserve(static_cast<std::size_t>(mask.size()));
          for (const bool masked : mask) source.push_back(masked ? 0 : -1);
          scatter_add_rows(dout.data(), result.data(), source, 1, cols);
          dmask_token.add(std::move(result));
        }
        if (dtokens.wanted()) {
          for (Index row = 0; row < dout.rows(); ++row) {
            if (mask.data()[row]) std::fill_n(dout.row(row), cols, Scalar{});
          }
          dtokens.add(std::move(dout));
        }
      },
      tokens, mask_token);
}

}  // namespace detail

/// tokens [B, L, D], mask [B, L], mask_token [1, 1, D] -> tokens with mask_token where mask is true
/// [B, L, D].
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar>
Var<Scalar, 3> mask_bool(const Var<Scalar, 3>& tokens, const TokenMask& mask,
                         const Var<Scalar, 3>& mask_token) {
  if (mask.shape() != Shape<2>{tokens.dim(0), tokens.dim(1)}) {
    refuse("mask_bool", "mask ", mask.shape(), " must have one entry per token of tokens ",
           tokens.shape());
  }
  return detail::mask_tokens("mask_bool", tokens, mask, mask_token);
}

/// tokens [B, L, D], index [B, K], mask_token [1, 1, D] -> tokens with mask_token at the indexed
/// places [B, L, D]. Duplicates are harmless.
/// Throws std::invalid_argument where the shapes do not fit, or if index leaves [0, L).
template <std::floating_point Scalar>
Var<Scalar, 3> mask_at_index(const Var<Scalar, 3>& tokens, const TokenIndex& index,
                             const Var<Scalar, 3>& mask_token) {
  check_token_index("mask_at_index", "index", index, tokens.dim(0), tokens.dim(1));
  TokenMask mask({tokens.dim(0), tokens.dim(1)});
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) mask(b, index(b, k)) = true;
  }
  return detail::mask_tokens("mask_at_index", tokens, std::move(mask), mask_token);
}

}  // namespace tessera
