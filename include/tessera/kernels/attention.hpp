#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

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

inline constexpr Index query_block = 112;       // rows that a product works on together
inline constexpr Index queries_per_cell = 448;  // worth packing keys and values for
inline constexpr Index forward_key_block = 512;
inline constexpr Index backward_key_block = 256;  // two matrices of scores, three packed ones

/// One head of attention_forward, some of its queries. While blocks of keys pass, `logsumexp` holds
/// the largest score of each query, and out its sum of exp(score - largest) * value.
template <class Scalar>
void attend_forward(MatrixView<const Scalar> q, MatrixView<const Scalar> k,
                    MatrixView<const Scalar> v, MatrixView<Scalar> out, Scalar* logsumexp) {
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(q.cols));
  Buffer<Scalar> sums(static_cast<std::size_t>(q.rows));
  std::fill_n(sums.data(), q.rows, Scalar{});
  std::fill_n(logsumexp, q.rows, -std::numeric_limits<Scalar>::infinity());
  for_each_piece({k.rows, forward_key_block}, [&](Index key, Index keys) {
    const PackedMatrix<Scalar> packed_keys(k.middle_rows(key, keys));
    const auto packed_values = PackedMatrix<Scalar>::of_transpose(v.middle_rows(key, keys));
    // Where the product with the values reads words, each row becomes words while it is in cache.
    const bool in_words = packed_values.takes_words();
    PieceMemory<Scalar> memory(std::min(query_block, q.rows), packed_keys.padded_rows());
    for_each_piece({q.rows, query_block}, [&](Index query, Index queries) {
      const Accumulate later_keys = key > 0 ? Accumulate::yes : Accumulate::no;
      const MatrixView<Scalar> scores = memory.rows(queries);
      const MatrixView<Scalar> result = out.middle_rows(query, queries);
      matmul_nt<Scalar>(q.middle_rows(query, queries), packed_keys, scores);
      for (Index r = 0; r < queries; ++r) {
        Scalar& largest = logsumexp[query + r];
        Scalar& sum = sums.data()[query + r];
        const Scalar former = largest;
        // Columns that no key has take part as -infinity: whole vectors, and no probability.
        std::fill(scores.row(r) + keys, scores.row(r) + scores.cols,
                  -std::numeric_limits<Scalar>::infinity());
        largest = std::max(largest, largest_of_row<Scalar>(scores.row(r), scores.cols) * scale);
        const Scalar added = exponentials_of_row(scores.row(r), scores.cols, scale, largest);
        if constexpr (has_kernels<Scalar>) {
          if (in_words) round_to_words(scores.row(r), scores.cols);
        }
        if (key > 0 && largest != former) {
          const Scalar shrink = std::exp(former - largest);
          sum *= shrink;
          kernels::scale(shrink, result.row(r), result.cols);
        }
        sum += added;
      }
      if (in_words) {
        matmul_nt_of_words<Scalar>(scores, packed_values, result, later_keys);
      } else {
        matmul_nt<Scalar>(scores.block(0, 0, queries, keys), packed_values, result, later_keys);
      }
    });
  });
  for (Index r = 0; r < q.rows; ++r) {
    kernels::scale(Scalar(1) / sums.data()[r], out.row(r), out.cols);
    logsumexp[r] += std::log(sums.data()[r]);
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

/// One head of what attention_backward reads and writes.
template <class Scalar>
struct AttentionHead {
  MatrixView<const Scalar> q, k, v, out;
  const Scalar* logsumexp;
  MatrixView<const Scalar> dout;
  MatrixView<Scalar> dq, dk, dv;
};

template <class Scalar>
void attend_backward(const AttentionHead<Scalar>& head) {
  const Index total = head.q.rows;
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(head.q.cols));
  Buffer<Scalar> dots(static_cast<std::size_t>(total));
  for (Index r = 0; r < total; ++r) {
    dots.data()[r] = dot(head.dout.row(r), head.out.row(r), head.out.cols);
  }
  for_each_piece({head.k.rows, backward_key_block}, [&](Index key, Index keys) {
    const MatrixView<const Scalar> k = head.k.middle_rows(key, keys);
    const PackedMatrix<Scalar> packed_keys(k);
    const PackedMatrix<Scalar> packed_values(head.v.middle_rows(key, keys));
    const auto packed_columns = PackedMatrix<Scalar>::of_transpose(k);
    PieceMemory<Scalar> scores(std::min(query_block, total), packed_keys.padded_rows());
    PieceMemory<Scalar> gradients(std::min(query_block, total), packed_keys.padded_rows());
    for_each_piece({total, query_block}, [&](Index query, Index queries) {
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
  if (total == 0) {
    for (Index r = 0; r < head.k.rows; ++r) {
      std::fill_n(head.dk.row(r), head.dk.cols, Scalar{});
      std::fill_n(head.dv.row(r), head.dv.cols, Scalar{});
    }
  }
}

}  // namespace detail

/// out = softmax(q k^T / sqrt(head_dim)) v for every head, and logsumexp [batch, heads, queries]
/// of the scaled scores for backward. Vaswani et al., "Attention is all you need", 2017, 3.2.1.
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
