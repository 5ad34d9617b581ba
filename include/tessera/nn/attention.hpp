#pragma once

#include "tessera/nn/linear.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/attention.hpp"
#include "tessera/ops/dropout.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"

namespace tessera {

/// Multi-head self-attention, x [B, L, dim] -> [B, L, dim], with q, k and v in one product.
/// Vaswani et al., 2017, 3.2.2.
template <std::floating_point Scalar>
struct Attention {
  using scalar_type = Scalar;

  Attention() = default;
  /// Throws std::invalid_argument unless num_heads divides dim and drop_rate is in [0, 1).
  Attention(Index dim, Index num_heads, bool qkv_bias = true, double drop_rate = 0)
      : heads(checked_heads(dim, num_heads)),
        qkv(dim, 3 * dim, qkv_bias),
        proj(dim, dim),
        drop(drop_rate) {
    detail::check_drop_rate("Attention", drop_rate, "drop_rate");
  }

  Index heads = 1;
  Linear<Scalar> qkv;  ///< rows [q | k | v], heads side by side in each
  Linear<Scalar> proj;
  double drop = 0;  ///< dropout after proj, in training

  static void visit(auto& self, auto&& visitor) {
    visitor("qkv", self.qkv);
    visitor("proj", self.proj);
  }

  Var<Scalar, 3> operator()(const Var<Scalar, 3>& x) const { return (*this)(x, x.dim(1)); }

  /// Attention for the last `queries` tokens of x alone [B, queries, dim]; all of x is attended to.
  Var<Scalar, 3> operator()(const Var<Scalar, 3>& x, Index queries) const {
    return dropout(proj(attend(x, queries)), drop);
  }

  /// residual + attention for the last residual.dim(1) tokens of x alone; all of x is attended to.
  Var<Scalar, 3> plus(const Var<Scalar, 3>& x, const Var<Scalar, 3>& residual) const {
    const Var<Scalar, 3> attended = attend(x, residual.dim(1));
    if (drop <= 0) return proj.plus(attended, residual);
    return add(residual, dropout(proj(attended), drop));
  }

  /// softmax(q k^T) v for the last `queries` tokens of x [B, queries, dim], before proj.
  Var<Scalar, 3> attend(const Var<Scalar, 3>& x, Index queries) const {
    if (queries == x.dim(1)) return attention(qkv(x), heads);
    const Index dim = x.dim(2);
    const auto asked = slice_tokens(x, x.dim(1) - queries, queries);
    return attention(qkv.outputs(asked, 0, dim), qkv.outputs(x, dim, 2 * dim), heads);
  }

 private:
  static Index checked_heads(Index dim, Index num_heads) {
    if (dim <= 0 || num_heads <= 0 || dim % num_heads != 0) {
      refuse("Attention", "num_heads = ", num_heads, " must be positive and divide dim = ", dim);
    }
    return num_heads;
  }
};

}  // namespace tessera
