#pragma once

#include <cmath>

#include "tessera/nn/module.hpp"

namespace tessera {

/// Euclidean norm of all gradients of a model's parameters together. The squares are summed in
/// double, in the order of the parameters: the relative error is at most 2^-53 times their number,
/// 1e-8 for a hundred million. Throws std::invalid_argument if the tape holds none, as before its
/// backward pass.
template <Module Model>
double grad_norm(const Model& model, const Tape<typename Model::scalar_type>& tape) {
  double total = 0;
  bool any = false;
  for (const auto& parameter : named_parameters(model)) {
    const auto gradient = tape.gradient_values(parameter.key);
    any = any || !gradient.empty();
    for (const auto value : gradient) {
      total += static_cast<double>(value) * static_cast<double>(value);
    }
  }
  if (!any) refuse("grad_norm", "the tape holds no gradient of this model");
  return std::sqrt(total);
}

/// Scales the gradients so that their norm is at most `max_norm`; returns the norm before.
/// Pascanu et al., 2013, as torch's clip_grad_norm_ does it.
/// Throws std::invalid_argument as grad_norm, unless max_norm is positive, or if the norm is not
/// finite; then nothing is changed.
template <Module Model>
double clip_grad_norm(const Model& model, Tape<typename Model::scalar_type>& tape,
                      double max_norm) {
  using Scalar = typename Model::scalar_type;
  if (!(max_norm > 0)) refuse("clip_grad_norm", "max_norm = ", max_norm, " must be positive");
  const double norm = grad_norm(model, tape);
  if (!std::isfinite(norm)) refuse("clip_grad_norm", "the gradient's norm is ", norm);
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (const auto& parameter : named_parameters(model)) {
    for (Scalar& value : tape.gradient_values(parameter.key)) {
      value *= static_cast<Scalar>(factor);
    }
  }
  return norm;
}

}  // namespace tessera
