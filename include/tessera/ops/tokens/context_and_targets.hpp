#pragma once

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// context [B, C, D], idx_context [B, C], idx_target [B, T], mask_token [1, 1, D], positions
/// [1, L, D] -> [context | mask tokens] with their positions, side by side [B, C + T, D], in one
/// pass: what a decoder or predictor sees. A place may be context and target at once.
/// He et al., 2021, 3 (decoder); Assran et al., 2023, 3 (prediction).
/// Throws std::invalid_argument where the shapes do not fit or an index leaves [0, L).
template <std::floating_point Scalar>
Var<Scalar, 3> context_and_targets(const Var<Scalar, 3>& context, const TokenIndex& idx_context,
                                   const TokenIndex& idx_target, const Var<Scalar, 3>& mask_token,
                                   const Var<Scalar, 3>& positions) {
  const Index batch = context.dim(0);
  const Index cols = context.dim(2);
  const Index contexts = context.dim(1);
  const Index length = contexts + idx_target.dim(1);
  if (positions.dim(0) != 1 || positions.dim(2) != cols) {
    refuse("context_and_targets", "positions ", positions.shape(),
           " must be [1, L, D] with the width of context ", context.shape());
  }
  if (mask_token.shape() != Shape<3>{1, 1, cols}) {
    refuse("context_and_targets", "mask_token ", mask_token.shape(),
           " must be [1, 1, D] with the width of context ", context.shape());
  }
  check_token_index("context_and_targets", "idx_context", idx_context, batch, positions.dim(1));
  check_token_index("context_and_targets", "idx_target", idx_target, batch, positions.dim(1));
  if (idx_context.dim(1) != contexts) {
    refuse("context_and_targets", "idx_context ", idx_context.shape(),
           " must name a place for each token of context ", context.shape());
  }
  CachedVector<Index> places;
  places.reserve(static_cast<std::size_t>(batch * length));
  for (Index b = 0; b < batch; ++b) {
    for (Index k = 0; k < contexts; ++k) places.push_back(idx_context(b, k));
    for (Index k = contexts; k < length; ++k) places.push_back(idx_target(b, k - contexts));
  }
  auto out = Tensor<Scalar, 3>::empty({batch, length, cols});
  parallel_ranges(batch * length, kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index b = r / length;
      const Index k = r % length;
      const Scalar* token =
          k < contexts ? context.value().row(b * contexts + k) : mask_token.value().data();
      const Scalar* position = positions.value().row(places[static_cast<std::size_t>(r)]);
      for (Index c = 0; c < cols; ++c) out.row(r)[c] = token[c] + position[c];
    }
  });
  return record(
      "context_and_targets", std::move(out),
      [dcontext = context.gradient(), dmask_token = mask_token.gradient(),
       dpositions = positions.gradient(), places = std::move(places), contexts,
       length](const Tensor<Scalar, 3>& dout) {
        const Index width = dout.cols();
        if (dcontext.wanted()) {
          auto result = Tensor<Scalar, 3>::empty(dcontext.shape());
          kernels::copy_rows(dout.data(), result.data(), result.rows(), width,
                             [&](Index r) { return r / contexts * length + r % contexts; });
          dcontext.add(std::move(result));
        }
        if (dmask_token.wanted()) {
          Tensor<Scalar, 3> result(dmask_token.shape());
          CachedVector<Index> source(static_cast<std::size_t>(dout.rows()), 0);
          for (Index r = 0; r < dout.rows(); ++r) {
            if (r % length < contexts) source[static_cast<std::size_t>(r)] = -1;
          }
          detail::scatter_add_rows(dout.data(), result.data(), source, 1, width);
          dmask_token.add(std::move(result));
        }
        if (dpositions.wanted()) {
          Tensor<Scalar, 3> result(dpositions.shape());
          detail::scatter_add_rows(dout.data(), result.data(), places, result.rows(), width);
          dpositions.add(std::move(result));
        }
      },
      context, mask_token, positions);
}

}  // namespace tessera
