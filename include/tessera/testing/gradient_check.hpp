#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "tessera/autograd/tape.hpp"
#include "tessera/core/random/generator.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::testing {

struct GradientCheckOptions {
  Index per_parameter = 24;  ///< derivatives of each parameter that are compared at most
  double step = 1e-5;        ///< of the difference, times the size of the value if that is above 1
  /// Every evaluation draws from a generator of this seed, so that dropout and drop path drop the
  /// same each time. Without one, dropping is refused.
  std::optional<std::uint64_t> seed = std::nullopt;
};

/// Where backward and finite differences disagree most.
struct GradientCheck {
  double worst_error = 0;   ///< |backward - numeric| / max(|backward|, |numeric|, 1e-4)
  std::string worst_place;  ///< "blocks.0.attn.qkv.weight[17]: backward ..., numeric ..."
  Index checked = 0;        ///< how many derivatives were compared
};

/// Compares the gradients of `loss(tape)` for every trainable parameter of a model with central
/// differences. `loss` takes a Tape<Scalar>*, null without a seed when only the value is wanted,
/// and returns a Var<Scalar, 0>; it must give the same value at every call. The model is as before
/// when this returns. Meant for double.
template <Module Model, class Loss>
GradientCheck check_gradients(Model& model, const Loss& loss,
                              const GradientCheckOptions& options = {}) {
  using Scalar = typename Model::scalar_type;
  Generator generator(options.seed.value_or(0));
  Tape<Scalar> tape = options.seed ? Tape<Scalar>(generator) : Tape<Scalar>();
  tape.backward(loss(&tape));
  const auto value_now = [&]() -> double {
    if (!options.seed) return static_cast<double>(loss(nullptr).value().item());
    Generator same(*options.seed);
    Tape<Scalar> unused(same);
    return static_cast<double>(loss(&unused).value().item());
  };
  GradientCheck result;
  for (const NamedParameter<Scalar>& parameter : named_parameters(model)) {
    if (!parameter.trainable) continue;
    const std::span<const Scalar> gradient = tape.gradient_values(parameter.key);
    const auto count = static_cast<Index>(parameter.values.size());
    const Index wanted = std::max<Index>(1, options.per_parameter);
    const Index stride = (count + wanted - 1) / wanted | 1;  // odd: not always the same columns
    for (Index i = 0; i < count; i += stride) {
      const auto at = static_cast<std::size_t>(i);
      Scalar& value = parameter.values[at];
      const Scalar former = value;
      const auto distance =
          static_cast<Scalar>(options.step * std::max(1.0, std::abs(static_cast<double>(former))));
      value = former + distance;
      const double above = value_now();
      value = former - distance;
      const double below = value_now();
      value = former;
      const double numeric = (above - below) / (2 * static_cast<double>(distance));
      const double backward = gradient.empty() ? 0.0 : static_cast<double>(gradient[at]);
      double error =
          std::abs(backward - numeric) / std::max({1e-4, std::abs(backward), std::abs(numeric)});
      if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
      ++result.checked;
      if (error > result.worst_error) {
        result.worst_error = error;
        result.worst_place =
            concat(parameter.name, "[", i, "]: backward ", backward, ", numeric ", numeric);
      }
    }
  }
  return result;
}

}  // namespace tessera::testing
