#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/memory.hpp"
#include "tessera/core/parallel.hpp"
#include "tessera/kernels/matmul.hpp"
#include "tessera/kernels/softmax.hpp"

namespace tessera::kernels {

/// One of q, k, v, out or their gradients where it lies: [batch, rows, heads * head_dim], each row
/// `row_stride` elements after the one before.
template <class T>
struct HeadsView {
  T* data;
  Index rows;
  Index row_stride;

  MatrixView<T> head(Index batch, Index head, Index head_dim) const {
    return {advanced(data, batch * rows * row_stride + head * head_dim), rows, head_dim,
            row_stride};
  }
};

struct AttentionSizes {
  Index batch;
  Index heads;
  Index head_dim;
};

namespace detail {

// Queries that are worked on together: their scores are the only part of [queries, keys] that
// exists at a time, so memory grows with the tokens and not with their square.
inline constexpr Index query_block = 128;

}  // namespace detail

/// out = softmax(q k^T / sqrt(head_dim)) v for every head, and logsumexp [batch, heads, queries]
/// of the scaled scores for backward. Vaswani et al., "Attention is all you need", 2017, 3.2.1.
template <class Scalar>
void attention_forward(HeadsView<const Scalar> q, HeadsView<const Scalar> k,
                       HeadsView<const Scalar> v, HeadsView<Scalar> out, Scalar* logsumexp,
                       const AttentionSizes& sizes) {
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(sizes.head_dim));
  const Index blocks = (q.rows + detail::query_block - 1) / detail::query_block;
  parallel_for(sizes.batch * sizes.heads * blocks, [&](Index cell) {
    const Index head = cell / blocks % sizes.heads;
    const Index batch = cell / blocks / sizes.heads;
    const Index first = cell % blocks * detail::query_block;
    const Index count = std::min(detail::query_block, q.rows - first);
    const auto queries = q.head(batch, head, sizes.head_dim).middle_rows(first, count);
    auto result = out.head(batch, head, sizes.head_dim).middle_rows(first, count);
    Buffer<Scalar> memory(static_cast<std::size_t>(count * k.rows));
    MatrixView<Scalar> scores(memory.data(), count, k.rows);
    matmul_nt<Scalar>(queries, k.head(batch, head, sizes.head_dim), scores);
    for (Index r = 0; r < count; ++r) {
      ArrayMap<Scalar>(scores.row(r), k.rows) *= scale;
      logsumexp[(batch * sizes.heads + head) * q.rows + first + r] =
          softmax_row(scores.row(r), k.rows);
    }
    matmul_nn<Scalar>(scores, v.head(batch, head, sizes.head_dim), result);
  });
}

/// Gradients of attention_forward; probabilities p are made again from q, k and logsumexp:
///   dv = p^T dout,  dp = dout v^T,  ds = p * (dp - rowsum(dout * out)) * scale,
///   dq = ds k,  dk = ds^T q.     (Dao et al., "FlashAttention", 2022, appendix B.4)
template <class Scalar>
void attention_backward(HeadsView<const Scalar> q, HeadsView<const Scalar> k,
                        HeadsView<const Scalar> v, HeadsView<const Scalar> out,
                        const Scalar* logsumexp, HeadsView<const Scalar> dout,
                        HeadsView<Scalar> dq, HeadsView<Scalar> dk, HeadsView<Scalar> dv,
                        const AttentionSizes& sizes) {
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(sizes.head_dim));
  parallel_for(sizes.batch * sizes.heads, [&](Index cell) {
    const Index head = cell % sizes.heads;
    const Index batch = cell / sizes.heads;
    const auto of_head = [&](auto heads) { return heads.head(batch, head, sizes.head_dim); };
    const Index largest = std::min(detail::query_block, q.rows);
    Buffer<Scalar> p_memory(static_cast<std::size_t>(largest * k.rows));
    Buffer<Scalar> ds_memory(static_cast<std::size_t>(largest * k.rows));
    for (Index first = 0; first < q.rows; first += detail::query_block) {
      const Index count = std::min(detail::query_block, q.rows - first);
      const Accumulate accumulate = first == 0 ? Accumulate::no : Accumulate::yes;
      const auto queries = of_head(q).middle_rows(first, count);
      const auto result = of_head(out).middle_rows(first, count);
      const auto dresult = of_head(dout).middle_rows(first, count);
      MatrixView<Scalar> p(p_memory.data(), count, k.rows);
      MatrixView<Scalar> ds(ds_memory.data(), count, k.rows);
      matmul_nt<Scalar>(queries, of_head(k), p);
      matmul_nt<Scalar>(dresult, of_head(v), ds);
      for (Index r = 0; r < count; ++r) {
        ArrayMap<Scalar> probability(p.row(r), k.rows);
        ArrayMap<Scalar> gradient(ds.row(r), k.rows);
        const Scalar lse = logsumexp[(batch * sizes.heads + head) * q.rows + first + r];
        probability = (probability * scale - lse).exp();
        const Scalar dot = (ConstArrayMap<Scalar>(dresult.row(r), sizes.head_dim) *
                            ConstArrayMap<Scalar>(result.row(r), sizes.head_dim))
                               .sum();
        gradient = probability * (gradient - dot) * scale;
      }
      matmul_tn<Scalar>(p, dresult, of_head(dv), accumulate);
      matmul_nn<Scalar>(ds, of_head(k), of_head(dq).middle_rows(first, count));
      matmul_tn<Scalar>(ds, queries, of_head(dk), accumulate);
    }
    if (q.rows == 0) {
      of_head(dk).eigen().setZero();
      of_head(dv).eigen().setZero();
    }
  });
}

}  // namespace tessera::kernels
