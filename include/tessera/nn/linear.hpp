#pragma once

#include "tessera/nn/module.hpp"
#include "tessera/ops/linear.hpp"
#include "tessera/ops/linear_gelu.hpp"
#include "tessera/ops/linear_residual.hpp"

namespace tessera {

/// x [..., in] -> x weight^T + bias [..., out].
template <std::floating_point Scalar>
struct Linear {
  using scalar_type = Scalar;

  Linear() = default;
  /// Zeros. Throws std::invalid_argument unless both sizes are positive.
  Linear(Index in, Index out, bool with_bias = true) {
    require(in > 0 && out > 0, "Linear", "in = ", in, " and out = ", out, " must be positive");
    weight.value = Tensor<Scalar, 2>({out, in});
    if (with_bias) bias = Parameter<Scalar, 1>{Tensor<Scalar, 1>({out})};
  }

  Parameter<Scalar, 2> weight;                ///< [out, in]
  std::optional<Parameter<Scalar, 1>> bias;  ///< [out]

  static void visit(auto& self, auto&& visitor) {
    visitor("weight", self.weight);
    visitor("bias", self.bias);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    return linear(x, weight.on(x.tape()), bias_on(x.tape()));
  }

  /// gelu(x weight^T + bias).
  template <int Rank>
  Var<Scalar, Rank> then_gelu(const Var<Scalar, Rank>& x) const {
    return linear_gelu(x, weight.on(x.tape()), bias_on(x.tape()));
  }

  /// residual + x weight^T + bias.
  template <int Rank>
  Var<Scalar, Rank> plus(const Var<Scalar, Rank>& x, const Var<Scalar, Rank>& residual) const {
    return linear_residual(x, weight.on(x.tape()), bias_on(x.tape()), residual);
  }

  std::optional<Var<Scalar, 1>> bias_on(Tape<Scalar>* tape) const {
    if (!bias) return std::nullopt;
    return bias->on(tape);
  }
};

}  // namespace tessera
