#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/memory.hpp"
#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/packed_matrix.hpp"
#include "tessera/kernels/partition.hpp"
#include "tessera/kernels/softmax.hpp"

// Attention in blocks of queries and keys, so that memory grows with the tokens and not with their
// square: Dao et al., "FlashAttention", 2022. Keys and values of a block are packed once for all
// queries that meet them. Blocks depend on the sizes alone, and so do all sums.

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

// Sizes of blocks. The queries of a block are as many as a block of A has rows (MicroKernel::mc),
// and its keys one block of k of the product with the values (MicroKernel::max_kc): then the
// scores, 224 KiB, stay in the second-level cache. Backward holds two such matrices, of half as
// many keys.
inline constexpr Index query_block = 112;
inline constexpr Index forward_key_block = 512;
inline constexpr Index backward_key_block = 256;
// Keys and values are packed again for each cell: so many queries that this costs little.
inline constexpr Index queries_per_cell = 4 * query_block;

/// out = 0 and logsumexp = -infinity: there is no key to attend to.
template <class Scalar>
void attend_to_nothing(MatrixView<Scalar> out, Scalar* logsumexp) {
  for (Index r = 0; r < out.rows; ++r) std::fill_n(out.row(r), out.cols, Scalar{});
  std::fill_n(logsumexp, out.rows, -std::numeric_limits<Scalar>::infinity());
}

/// One head of attention_forward, some of its queries. While blocks of keys pass, `out` holds the
/// sum of exp(score - largest) * value and `sums` that of exp(score - largest), `largest` of the
/// keys so far; when a block has a larger score, both are scaled to it.
template <class Scalar>
void attend_forward(MatrixView<const Scalar> q, MatrixView<const Scalar> k,
                    MatrixView<const Scalar> v, MatrixView<Scalar> out, Scalar* logsumexp) {
  if (k.rows == 0) return attend_to_nothing(out, logsumexp);
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(q.cols));
  Buffer<Scalar> row_sums(static_cast<std::size_t>(2 * q.rows));
  Scalar* const sums = row_sums.data();
  Scalar* const largest = advanced(sums, q.rows);
  std::fill_n(sums, q.rows, Scalar{});
  std::fill_n(largest, q.rows, -infinity);
  for_each_part({k.rows, forward_key_block}, [&](Index key, Index keys) {
    const PackedMatrix<Scalar> packed_keys(k.middle_rows(key, keys));
    const auto packed_values = PackedMatrix<Scalar>::of_transpose(v.middle_rows(key, keys));
    const RowsFor<Scalar> probabilities(packed_values);
    RowScratch<Scalar> scratch(std::min(query_block, q.rows), packed_keys.padded_rows());
    for_each_part({q.rows, query_block}, [&](Index query, Index queries) {
      const MatrixView<Scalar> scores = scratch.rows(queries);
      const MatrixView<Scalar> result = out.middle_rows(query, queries);
      matmul_nt<Scalar>(q.middle_rows(query, queries), packed_keys, scores);
      for (Index r = 0; r < queries; ++r) {
        Scalar* const row = scores.row(r);
        // Columns that no key has take part as -infinity: whole vectors, and no probability.
        std::fill(row + keys, row + scores.cols, -infinity);
        const Scalar former = largest[query + r];
        const Scalar shift = std::max(former, largest_of_row<Scalar>(row, scores.cols) * scale);
        const Scalar added = exponentials_of_row(row, scores.cols, scale, shift);
        probabilities.complete(row, scores.cols);
        if (key > 0 && !(shift >= former && shift <= former)) {
          const Scalar rescale = std::exp(former - shift);
          sums[query + r] *= rescale;
          kernels::scale(rescale, result.row(r), result.cols);
        }
        sums[query + r] += added;
        largest[query + r] = shift;
      }
      probabilities.multiply(scores, result, key > 0 ? Accumulate::yes : Accumulate::no);
    });
  });
  for (Index r = 0; r < q.rows; ++r) {
    kernels::scale(Scalar(1) / sums[r], out.row(r), out.cols);
    logsumexp[r] = largest[r] + std::log(sums[r]);
  }
}

/// In place: scores become p = exp(score * scale - logsumexp), dp becomes p * (dp - dot) * scale.
template <class Scalar>
void softmax_gradient_row(Scalar* scores, Scalar* dp, Index count, Scalar scale, Scalar logsumexp,
                          Scalar dot) {
  elementwise<Scalar>(
      count,
      [=](auto& score, auto& gradient) __attribute__((always_inline)) {
        auto probability = score;
        exp(score * scale - logsumexp, probability);
        gradient = probability * (gradient - dot) * scale;
        score = probability;
      },
      scores, dp);
}

/// The parts of one head that attention_backward reads and writes.
template <class Scalar>
struct AttentionHead {
  MatrixView<const Scalar> q, k, v, out;
  const Scalar* logsumexp;
  MatrixView<const Scalar> dout;
  MatrixView<Scalar> dq, dk, dv;
};

/// Without queries or without keys all gradients are zero.
template <class Scalar>
void clear_gradients(const AttentionHead<Scalar>& head) {
  for (const MatrixView<Scalar>& gradient : {head.dq, head.dk, head.dv}) {
    for (Index r = 0; r < gradient.rows; ++r) {
      std::fill_n(gradient.row(r), gradient.cols, Scalar{});
    }
  }
}

/// One head of attention_backward: vectors, as in forward, for all that is no product.
template <class Scalar>
void attend_backward(const AttentionHead<Scalar>& head) {
  const Index total = head.q.rows;
  if (total == 0 || head.k.rows == 0) return clear_gradients(head);
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(head.q.cols));
  Buffer<Scalar> dots(static_cast<std::size_t>(total));
  for (Index r = 0; r < total; ++r) {
    dots.data()[r] = dot(head.dout.row(r), head.out.row(r), head.out.cols);
  }
  for_each_part({head.k.rows, backward_key_block}, [&](Index key, Index keys) {
    const MatrixView<const Scalar> k = head.k.middle_rows(key, keys);
    const PackedMatrix<Scalar> packed_keys(k);
    const PackedMatrix<Scalar> packed_values(head.v.middle_rows(key, keys));
    const auto packed_columns = PackedMatrix<Scalar>::of_transpose(k);
    RowScratch<Scalar> scores(std::min(query_block, total), packed_keys.padded_rows());
    RowScratch<Scalar> gradients(std::min(query_block, total), packed_keys.padded_rows());
    for_each_part({total, query_block}, [&](Index query, Index queries) {
      const Accumulate later_queries = query > 0 ? Accumulate::yes : Accumulate::no;
      const MatrixView<const Scalar> q = head.q.middle_rows(query, queries);
      const MatrixView<const Scalar> dout = head.dout.middle_rows(query, queries);
      const MatrixView<Scalar> wide_p = scores.rows(queries);
      const MatrixView<Scalar> wide_ds = gradients.rows(queries);
      matmul_nt<Scalar>(q, packed_keys, wide_p);
      matmul_nt<Scalar>(dout, packed_values, wide_ds);
      for (Index r = 0; r < queries; ++r) {
        softmax_gradient_row(wide_p.row(r), wide_ds.row(r), wide_p.cols, scale,
                             head.logsumexp[query + r], dots.data()[query + r]);
      }
      const MatrixView<Scalar> p = wide_p.block(0, 0, queries, keys);
      const MatrixView<Scalar> ds = wide_ds.block(0, 0, queries, keys);
      matmul_tn<Scalar>(p, dout, head.dv.middle_rows(key, keys), later_queries);
      matmul_nt<Scalar>(ds, packed_columns, head.dq.middle_rows(query, queries),
                        key > 0 ? Accumulate::yes : Accumulate::no);
      matmul_tn<Scalar>(ds, q, head.dk.middle_rows(key, keys), later_queries);
    });
  });
}

}  // namespace detail

/// out = softmax(q k^T / sqrt(head_dim)) v for every head, and logsumexp [batch, heads, queries]
/// of the scaled scores for backward; without keys out is 0. Vaswani et al., "Attention is all you
/// need", 2017, 3.2.1.
template <class Scalar>
void attention_forward(HeadsView<const Scalar> q, HeadsView<const Scalar> k,
                       HeadsView<const Scalar> v, HeadsView<Scalar> out, Scalar* logsumexp,
                       const AttentionSizes& sizes) {
  const Index cells = (q.rows + detail::queries_per_cell - 1) / detail::queries_per_cell;
  parallel_for(sizes.batch * sizes.heads * cells, [&](Index index) {
    const Index cell = index % cells;
    const Index head = index / cells % sizes.heads;
    const Index batch = index / cells / sizes.heads;
    const Index first = cell * q.rows / cells;
    const Index count = (cell + 1) * q.rows / cells - first;
    const auto of_head = [&](auto heads) { return heads.head(batch, head, sizes.head_dim); };
    detail::attend_forward<Scalar>(of_head(q).middle_rows(first, count), of_head(k), of_head(v),
                                   of_head(out).middle_rows(first, count),
                                   logsumexp + (batch * sizes.heads + head) * q.rows + first);
  });
}

/// Gradients of attention_forward; probabilities p are made again from q, k and logsumexp:
///   dv = p^T dout,  dp = dout v^T,  ds = p * (dp - rowsum(dout * out)) * scale,
///   dq = ds k,  dk = ds^T q.     (Dao et al., "FlashAttention", 2022, appendix B.4)
/// In the matmul precision of the forward: only then are they the probabilities of that time.
template <class Scalar>
void attention_backward(HeadsView<const Scalar> q, HeadsView<const Scalar> k,
                        HeadsView<const Scalar> v, HeadsView<const Scalar> out,
                        const Scalar* logsumexp, HeadsView<const Scalar> dout, HeadsView<Scalar> dq,
                        HeadsView<Scalar> dk, HeadsView<Scalar> dv, const AttentionSizes& sizes) {
  parallel_for(sizes.batch * sizes.heads, [&](Index cell) {
    const Index head = cell % sizes.heads;
    const Index batch = cell / sizes.heads;
    const auto of_head = [&](auto heads) { return heads.head(batch, head, sizes.head_dim); };
    detail::attend_backward<Scalar>({.q = of_head(q),
                                     .k = of_head(k),
                                     .v = of_head(v),
                                     .out = of_head(out),
                                     .logsumexp = advanced(logsumexp, cell * q.rows),
                                     .dout = of_head(dout),
                                     .dq = of_head(dq),
                                     .dk = of_head(dk),
                                     .dv = of_head(dv)});
  });
}

}  // namespace tessera::kernels
