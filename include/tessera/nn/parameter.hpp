#pragma once

#include "tessera/autograd/tape.hpp"

namespace tessera {

/// The part a parameter plays in its module, told by the module's `visit`. Initialization and
/// weight decay go by it, so that neither depends on how members are called.
enum class ParameterRole {
  other,         ///< the module says nothing: never initialized here, decays unless it is a vector
  weight,        ///< [out, in, ...] of a Linear: drawn; decays
  bias,          ///< [out] of a Linear: zero, or drawn after its weight; does not decay
  norm_weight,   ///< one at first; does not decay
  norm_bias,     ///< zero at first; does not decay
  layer_scale,   ///< does not decay
  patch_weight,  ///< of a patch embedding, which has draws of its own; decays
  patch_bias,    ///< of a patch embedding; does not decay
  token,         ///< class, register or mask token; decays, as in the MAE and I-JEPA code
  position,      ///< position table; decays where it is trained
};

/// A tensor that a model owns and an optimizer may change.
template <std::floating_point Scalar, int Rank>
struct Parameter {
  using scalar_type = Scalar;

  Tensor<Scalar, Rank> value;
  bool trainable = true;  ///< frozen tables and target encoders: no gradient, no update

  /// The parameter as an input of an operation, borrowed: it must neither move nor change
  /// before backward, nor move before the optimizer's step.
  Var<Scalar, Rank> on(Tape<Scalar>* tape) const {
    if (tape == nullptr) return Var<Scalar, Rank>::borrowed(value);
    return trainable ? tape->parameter(value) : tape->frozen_parameter(value);
  }
};

}  // namespace tessera
