#pragma once

#include <algorithm>

#include "tessera/models/masked_vision_transformer_decoder.hpp"
#include "tessera/ops/tokens/set_at_index.hpp"

namespace tessera::test {

/// The specification of MaskedVisionTransformerDecoder::predict, in the form of a full sequence:
/// context scattered into zeros, targets masked, both kept. A place that is context and target at
/// once, or twice either, cannot be said in this form and is refused.
/// Throws std::invalid_argument as predict, and where places repeat.
template <std::floating_point Scalar>
Var<Scalar, 3> predict_scattered(const MaskedVisionTransformerDecoder<Scalar>& decoder,
                                 const Var<Scalar, 3>& context, const TokenIndex& idx_context,
                                 const TokenIndex& idx_target) {
  const std::string_view op = "predict_scattered";
  const Index batch = context.dim(0);
  const Index length = decoder.sequence_length();
  check_token_index(op, "idx_context", idx_context, batch, length);
  check_token_index(op, "idx_target", idx_target, batch, length);
  auto idx_keep = TokenIndex::empty({batch, idx_context.dim(1) + idx_target.dim(1)});
  for (Index b = 0; b < batch; ++b) {
    const Index* context_row = idx_context.row(b);
    const Index* target_row = idx_target.row(b);
    std::copy_n(target_row, idx_target.dim(1),
                std::copy_n(context_row, idx_context.dim(1), idx_keep.row(b)));
  }
  check_token_index_unique(op, "[idx_context | idx_target]", idx_keep, length);
  const Var<Scalar, 3> zeros(Tensor<Scalar, 3>({batch, length, context.dim(2)}));
  const Var<Scalar, 3> full = set_at_index(zeros, idx_context, context);
  return slice_tokens(decoder.forward(full, {.idx_mask = idx_target, .idx_keep = idx_keep}),
                      idx_context.dim(1), idx_target.dim(1));
}

}  // namespace tessera::test
