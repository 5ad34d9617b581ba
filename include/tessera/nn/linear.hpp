#pragma once

#include "tessera/nn/module.hpp"
#include "tessera/ops/linear.hpp"
#include "tessera/ops/packed_linear.hpp"

namespace tessera {

/// x [..., in] -> x weight^T + bias [..., out].
template <std::floating_point Scalar>
struct Linear {
  using scalar_type = Scalar;

  Linear() = default;
  /// Zeros. Throws std::invalid_argument unless both sizes are positive.
  Linear(Index in, Index out, bool with_bias = true) {
    if (in <= 0 || out <= 0) {
      refuse("Linear", "in = ", in, " and out = ", out, " must be positive");
    }
    weight.value = Tensor<Scalar, 2>({out, in});
    if (with_bias) bias = Parameter<Scalar, 1>{Tensor<Scalar, 1>({out})};
  }

  Parameter<Scalar, 2> weight;               ///< [out, in]; empty once packed
  std::optional<Parameter<Scalar, 1>> bias;  ///< [out]

  /// Throws std::invalid_argument if the weight is packed.
  static void visit(auto& self, auto&& visitor) {
    if (self.packed) {
      refuse("Linear",
             "its weight is packed for inference, so its parameters cannot be walked over; "
             "copy the model before pack_weights to keep them");
    }
    visitor("weight", self.weight, ParameterRole::weight);
    visitor("bias", self.bias, ParameterRole::bias);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    if (packed) return apply_packed(x, {.bias = bias_values()});
    return linear(x, weight.on(x.tape()), bias_on(x.tape()));
  }

  /// gelu(x weight^T + bias).
  template <int Rank>
  Var<Scalar, Rank> then_gelu(const Var<Scalar, Rank>& x) const {
    if (packed) return apply_packed(x, {.bias = bias_values(), .gelu = true});
    return linear_gelu(x, weight.on(x.tape()), bias_on(x.tape()));
  }

  /// residual + x weight^T + bias.
  template <int Rank>
  Var<Scalar, Rank> plus(const Var<Scalar, Rank>& x, const Var<Scalar, Rank>& residual) const {
    if (!packed) return linear_residual(x, weight.on(x.tape()), bias_on(x.tape()), residual);
    const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), packed->rows());
    if (residual.shape() != shape) {
      refuse("Linear::plus", "residual ", residual.shape(), " must have the shape of the result ",
             shape);
    }
    return apply_packed(x, {.bias = bias_values(), .residual = residual.value().data()});
  }

  /// Outputs [first, first + count) alone.
  template <int Rank>
  Var<Scalar, Rank> outputs(const Var<Scalar, Rank>& x, Index first, Index count) const {
    if (!packed) return linear_outputs(x, weight.on(x.tape()), bias_on(x.tape()), first, count);
    return packed_linear(x, *packed, {.bias = kernels::advanced(bias_values(), first)}, first,
                         count);
  }

  /// Replaces the weight by a copy in the order in which products read it; see pack_weights.
  /// Throws std::invalid_argument if that was done before.
  void pack() {
    if (packed) refuse("Linear::pack", "the weight is packed already");
    packed.emplace(kernels::weight_view(std::as_const(weight.value)));
    weight.value = Tensor<Scalar, 2>();
  }

  /// Throws std::invalid_argument unless the weight is packed.
  PackedLayer<Scalar> packed_layer() const {
    if (!packed.has_value()) refuse("Linear::packed_layer", "the weight is not packed");
    return {*packed, bias_values()};
  }

  std::optional<kernels::PackedMatrix<Scalar>> packed;  ///< the weight, once packed

 private:
  std::optional<Var<Scalar, 1>> bias_on(Tape<Scalar>* tape) const {
    if (!bias) return std::nullopt;
    return bias->on(tape);
  }
  const Scalar* bias_values() const { return bias ? bias->value.data() : nullptr; }

  template <int Rank>
  Var<Scalar, Rank> apply_packed(const Var<Scalar, Rank>& x,
                                 const kernels::Epilogue<Scalar>& epilogue) const {
    return packed_linear(x, *packed, epilogue, 0, packed->rows());
  }
};

}  // namespace tessera
