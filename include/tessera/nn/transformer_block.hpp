#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "tessera/autograd/recompute.hpp"
#include "tessera/nn/attention.hpp"
#include "tessera/nn/layer_norm.hpp"
#include "tessera/nn/layer_scale.hpp"
#include "tessera/nn/mlp.hpp"
#include "tessera/ops/dropout.hpp"

namespace tessera {

struct TransformerBlockConfig {
  Index dim = 768;
  Index num_heads = 12;
  Index mlp_hidden = 3072;
  bool qkv_bias = true;
  std::optional<double> init_values = std::nullopt;  ///< LayerScale's first value, if any
  double proj_drop = 0;                              ///< dropout after each projection
  double drop_path = 0;                              ///< stochastic depth of both branches
  double layer_norm_eps = 1e-6;
  Activation activation = Activation::gelu;
};

/// Pre-norm transformer block, x [B, L, dim] -> [B, L, dim]:
///   x += drop_path(ls1(attn(norm1(x))));  x += drop_path(ls2(mlp(norm2(x)))).
/// Dosovitskiy et al., "An image is worth 16x16 words", 2021, eq. 2 and 3.
template <std::floating_point Scalar>
struct TransformerBlock {
  using scalar_type = Scalar;

  TransformerBlock() = default;
  /// Throws std::invalid_argument if the config makes no block.
  explicit TransformerBlock(const TransformerBlockConfig& config)
      : norm1(config.dim, config.layer_norm_eps),
        attn(config.dim, config.num_heads, config.qkv_bias, config.proj_drop),
        norm2(config.dim, config.layer_norm_eps),
        mlp(config.dim, config.mlp_hidden, config.proj_drop, config.activation),
        drop_path_rate(config.drop_path) {
    detail::check_drop_rate("TransformerBlock", config.drop_path, "drop_path");
    if (config.init_values) {
      ls1 = LayerScale<Scalar>(config.dim, *config.init_values);
      ls2 = LayerScale<Scalar>(config.dim, *config.init_values);
    }
  }

  LayerNorm<Scalar> norm1;
  Attention<Scalar> attn;
  std::optional<LayerScale<Scalar>> ls1;
  LayerNorm<Scalar> norm2;
  Mlp<Scalar> mlp;
  std::optional<LayerScale<Scalar>> ls2;
  double drop_path_rate = 0;

  static void visit(auto& self, auto&& visitor) {
    visitor("norm1", self.norm1);
    visitor("attn", self.attn);
    visitor("ls1", self.ls1);
    visitor("norm2", self.norm2);
    visitor("mlp", self.mlp);
    visitor("ls2", self.ls2);
  }

  Var<Scalar, 3> operator()(const Var<Scalar, 3>& x) const { return last_tokens(x, x.dim(1)); }

  /// The block's output for the last `count` tokens alone [B, count, dim]: the others are attended
  /// to, but their queries, projection and MLP are never computed. Computed again in backward if
  /// the tape says so (TapeSettings); the block must not move before that.
  /// Throws std::invalid_argument if x carries a tape while all weights are zero, as they are
  /// before initialize(): a sum over zeros gives no weight a gradient, so training would change
  /// nothing.
  Var<Scalar, 3> last_tokens(const Var<Scalar, 3>& x, Index count) const;

 private:
  /// Stops at the first value that is not zero, so it costs nothing once weights are there.
  void check_initialized() const {
    for (const Linear<Scalar>* layer : {&attn.qkv, &attn.proj, &mlp.fc1, &mlp.fc2}) {
      const bool zero = std::ranges::all_of(layer->weight.value.values(),
                                            [](Scalar w) { return std::fpclassify(w) == FP_ZERO; });
      if (!zero || layer->packed) return;
    }
    refuse("TransformerBlock",
           "all weights are zero; call initialize(model, recipe, generator) or load weights before "
           "training");
  }

  Var<Scalar, 3> compute(const Var<Scalar, 3>& x, Index count) const {
    const Var<Scalar, 3> residual = slice_tokens(x, x.dim(1) - count, count);
    if (branches_end_in_projections(x)) {  // which add the residual in the same pass
      const Var<Scalar, 3> mixed = attn.plus(norm1(x), residual);
      return mlp.plus(norm2(mixed), mixed);
    }
    const Var<Scalar, 3> mixed = add(residual, scale_and_drop(attn(norm1(x), count), ls1));
    return add(mixed, scale_and_drop(mlp(norm2(mixed)), ls2));
  }

  /// True if neither LayerScale nor drop path stands between a projection and its residual. Drop
  /// path acts in training alone, which a tape on the data means.
  bool branches_end_in_projections(const Var<Scalar, 3>& x) const {
    const bool training = x.tape() != nullptr;
    return !ls1 && !ls2 && !(training && drop_path_rate > 0);
  }

  Var<Scalar, 3> scale_and_drop(const Var<Scalar, 3>& branch,
                                const std::optional<LayerScale<Scalar>>& layer_scale) const {
    return drop_path(layer_scale ? (*layer_scale)(branch) : branch, drop_path_rate);
  }
};

template <std::floating_point Scalar>
Var<Scalar, 3> TransformerBlock<Scalar>::last_tokens(const Var<Scalar, 3>& x, Index count) const {
  if (x.tape() != nullptr) check_initialized();
  const auto block = [this, count](const Var<Scalar, 3>& in) { return compute(in, count); };
  const bool again = x.tape() != nullptr && x.tape()->settings().recompute_blocks;
  return again ? recompute(x, block) : block(x);
}

namespace detail {

/// `depth` equal blocks whose hidden layer is mlp_ratio times as wide as they are. Throws
/// std::invalid_argument, in the name of `op`, if there can be no such blocks.
template <std::floating_point Scalar>
std::vector<TransformerBlock<Scalar>> make_blocks(std::string_view op, Index depth,
                                                  double mlp_ratio, TransformerBlockConfig block) {
  constexpr double widest = 1 << 30;
  if (depth < 0) refuse(op, "depth = ", depth, " is negative");
  if (!(std::isfinite(mlp_ratio) && mlp_ratio > 0)) {
    refuse(op, "mlp_ratio = ", mlp_ratio, " must be finite and positive");
  }
  const double hidden = static_cast<double>(block.dim) * mlp_ratio;
  if (hidden > widest) {
    refuse(op, "mlp_ratio = ", mlp_ratio, " makes a hidden layer of ", hidden);
  }
  check_drop_rate(op, block.proj_drop, "proj_drop_rate");
  check_drop_rate(op, block.drop_path, "drop_path_rate");
  block.mlp_hidden = static_cast<Index>(hidden);
  std::vector<TransformerBlock<Scalar>> blocks(static_cast<std::size_t>(depth));
  for (TransformerBlock<Scalar>& each : blocks) each = TransformerBlock<Scalar>(block);
  return blocks;
}

}  // namespace detail
}  // namespace tessera
