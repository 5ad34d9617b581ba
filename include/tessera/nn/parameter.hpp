#pragma once

#include "tessera/autograd/tape.hpp"

namespace tessera {

/// A tensor that a model owns and an optimiser may change.
template <std::floating_point Scalar, int Rank>
struct Parameter {
  using scalar_type = Scalar;

  Tensor<Scalar, Rank> value;
  bool trainable = true;  ///< frozen tables and target encoders: no gradient, no update

  /// The parameter as an input of an operation, borrowed: it must outlive the tape.
  Var<Scalar, Rank> on(Tape<Scalar>* tape) const {
    if (tape != nullptr && trainable) return tape->parameter(value);
    return Var<Scalar, Rank>::borrowed(value, tape);
  }
};

}  // namespace tessera
