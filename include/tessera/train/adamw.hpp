#pragma once

#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/kernels/adamw.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/nn/module.hpp"

namespace tessera {

struct AdamWConfig {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
};

/// True if weight decay applies, which the role of a parameter says: to weights, tokens and trained
/// positions, as in the MAE and I-JEPA code, not to biases, norms and layer scales. A parameter
/// whose module gives it no role decays unless it is a vector.
template <class Scalar>
bool decays(const NamedParameter<Scalar>& parameter) {
  switch (parameter.role) {
    case ParameterRole::weight:
    case ParameterRole::patch_weight:
    case ParameterRole::token:
    case ParameterRole::position:
      return true;
    case ParameterRole::bias:
    case ParameterRole::norm_weight:
    case ParameterRole::norm_bias:
    case ParameterRole::layer_scale:
    case ParameterRole::patch_bias:
      return false;
    case ParameterRole::other:
      break;
  }
  return parameter.shape.size() > 1;
}

/// AdamW. Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
/// Schedules set config.lr and config.weight_decay before a step. State is kept by parameter name,
/// so it can be saved and given to a copy of the model.
template <std::floating_point Scalar>
class AdamW {
 public:
  /// First and second moment of one parameter, and how often it was updated.
  struct State {
    Tensor<Scalar, 1> first;
    Tensor<Scalar, 1> second;
    Index steps = 0;
  };

  /// Throws std::invalid_argument as step does.
  explicit AdamW(const AdamWConfig& configuration = {}) : config(configuration) { check(); }

  AdamWConfig config;
  std::map<std::string, State> state;

  /// One step with the gradients that tape.backward left, taken as they are: whoever fears NaN
  /// clips first, which throws. Parameters without gradient are not touched, decay included.
  /// Returns how many were updated.
  /// Throws std::invalid_argument if a number in config makes no sense, if the tape holds no
  /// gradient, if it knows a parameter that the walk over the model does not meet (one that was
  /// forgotten in visit, or moved since), or if the state is that of other parameters; then nothing
  /// is changed.
  template <Module Model>
  Index step(Model& model, const Tape<Scalar>& tape) {
    const auto parameters = checked_parameters(model, tape);
    Index updated = 0;
    for (const NamedParameter<Scalar>& parameter : parameters) {
      if (!tape.gradient_values(parameter.key).empty()) ++updated;
    }
    if (updated <= 0) refuse("AdamW::step", "the tape holds no gradient of this model");
    for (const NamedParameter<Scalar>& parameter : parameters) {
      const std::span<const Scalar> gradient = tape.gradient_values(parameter.key);
      if (!gradient.empty()) update(parameter, gradient);
    }
    return updated;
  }

  /// tape.backward(loss) and step in one, to the same bits: a parameter is updated as soon as its
  /// gradient is complete, and the gradient released. There are never all gradients at once, which
  /// saves the memory of the weights once over; nor can they be clipped, or read afterwards.
  /// Returns how many were updated. Throws as backward and step, before anything is changed; if an
  /// operation throws in its backward, some parameters are updated and others are not.
  template <Module Model>
  Index backward_and_step(Model& model, Tape<Scalar>& tape, const Var<Scalar, 0>& loss) {
    std::unordered_map<const void*, NamedParameter<Scalar>> parameters;
    for (NamedParameter<Scalar>& parameter : checked_parameters(model, tape)) {
      parameters.emplace(parameter.key, std::move(parameter));
    }
    Index updated = 0;
    tape.backward(loss, [&](const void* key, std::span<const Scalar> gradient) {
      update(parameters.at(key), gradient);
      ++updated;
    });
    if (updated <= 0) refuse("AdamW::step", "the tape holds no gradient of this model");
    return updated;
  }

 private:
  /// The parameters of the model, if it and the tape and the state belong together.
  template <Module Model>
  std::vector<NamedParameter<Scalar>> checked_parameters(Model& model,
                                                         const Tape<Scalar>& tape) const {
    check();
    auto parameters = named_parameters(model);
    Index known = 0;
    for (const NamedParameter<Scalar>& parameter : parameters) {
      if (tape.has_parameter(parameter.key)) ++known;
      check_state(parameter);
    }
    if (known != tape.parameter_count()) {
      refuse("AdamW::step", "the tape recorded ", tape.parameter_count(), " parameters, but only ",
             known, " of them are in the model");
    }
    return parameters;
  }

  void check() const {
    const auto sensible = [](double value, double below) {
      return std::isfinite(value) && value >= 0 && value < below;
    };
    const double any = std::numeric_limits<double>::infinity();
    if (!sensible(config.lr, any)) {
      refuse("AdamW", "lr = ", config.lr, " must be finite and not negative");
    }
    if (!(sensible(config.beta1, 1) && sensible(config.beta2, 1))) {
      refuse("AdamW", "beta1 = ", config.beta1, " and beta2 = ", config.beta2,
             " must be in [0, 1)");
    }
    if (!sensible(config.eps, any)) {
      refuse("AdamW", "eps = ", config.eps, " must be finite and not negative");
    }
    if (!sensible(config.weight_decay, any)) {
      refuse("AdamW", "weight_decay = ", config.weight_decay, " must be finite and not negative");
    }
  }

  void check_state(const NamedParameter<Scalar>& parameter) const {
    const auto known = state.find(parameter.name);
    if (known == state.end()) return;
    const State& moments = known->second;
    if (moments.steps < 0) {
      refuse("AdamW::step", "the state of ", parameter.name, " has steps = ", moments.steps);
    }
    if (moments.steps == 0) return;
    const Index count = std::ssize(parameter.values);
    if (!(moments.first.size() == count && moments.second.size() == count)) {
      refuse("AdamW::step", "the state of ", parameter.name, " has ", moments.first.size(), " and ",
             moments.second.size(), " values, not ", count);
    }
  }

  void update(const NamedParameter<Scalar>& parameter, std::span<const Scalar> gradient) {
    const Index count = std::ssize(parameter.values);
    State& moments = state[parameter.name];
    if (moments.steps == 0) {
      moments.first = Tensor<Scalar, 1>({count});
      moments.second = Tensor<Scalar, 1>({count});
    }
    const auto steps = static_cast<double>(++moments.steps);
    const double correction1 = 1 - std::pow(config.beta1, steps);
    const double correction2 = 1 - std::pow(config.beta2, steps);
    const kernels::AdamWFactors<Scalar> factors{
        .beta1 = static_cast<Scalar>(config.beta1),
        .one_minus_beta1 = static_cast<Scalar>(1 - config.beta1),
        .beta2 = static_cast<Scalar>(config.beta2),
        .one_minus_beta2 = static_cast<Scalar>(1 - config.beta2),
        .decay =
            static_cast<Scalar>(decays(parameter) ? 1 - config.lr * config.weight_decay : 1.0),
        .step_size = static_cast<Scalar>(config.lr / correction1),
        .inv_root = static_cast<Scalar>(1 / std::sqrt(correction2)),
        .eps = static_cast<Scalar>(config.eps)};
    kernels::for_each_range(count, [&](Index begin, Index end) {
      kernels::adamw_update(factors, gradient.data() + begin, parameter.values.data() + begin,
                            moments.first.data() + begin, moments.second.data() + begin,
                            end - begin);
    });
  }
};

}  // namespace tessera
