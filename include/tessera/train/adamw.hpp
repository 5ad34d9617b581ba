#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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
///
///     AdamW<float> optimizer({.lr = 1.5e-4, .beta2 = 0.95, .weight_decay = 0.05});
///     for (int step = 0; step < steps; ++step) {
///       optimizer.config.lr = schedule(step);    // as schedules do it
///       Tape<float> tape(generator);
///       tape.backward(loss_of(model, next_batch(), tape));
///       optimizer.step(model, tape);
///     }
///     auto resumed = AdamW<float>(optimizer.config);
///     resumed.state = optimizer.state;           // by name: saved, and given to a copy of the
///     model
///
/// Functions throw std::invalid_argument as they say; then neither model nor state is changed.
template <std::floating_point Scalar>
class AdamW {
 public:
  /// First and second moment of one parameter, and how often it was updated.
  struct State {
    Tensor<Scalar, 1> first;
    Tensor<Scalar, 1> second;
    Index steps = 0;
  };

  /// Refuses numbers that make no sense, as step does.
  explicit AdamW(const AdamWConfig& settings = {}) : config(settings) { check_config(); }

  AdamWConfig config;
  std::map<std::string, State> state;  ///< by parameter name

  /// One step with the gradients that tape.backward left, taken as they are: whoever fears NaN
  /// clips first, which throws. Parameters without gradient are not touched, decay included.
  /// Returns how many were updated.
  ///
  /// Refuses a number in config that makes no sense, a tape without gradients, one that was stepped
  /// with before, one that knows a parameter which the walk over the model does not meet (it was
  /// forgotten in visit, or moved since), a state that is that of other parameters, and, in the
  /// first step, a model that was never initialized. If memory runs out (std::bad_alloc), nothing
  /// is changed either: what the step needs is made before it begins.
  template <Module Model>
  Index step(Model& model, const Tape<Scalar>& tape) {
    constexpr std::string_view op = "AdamW::step";
    if (tape.link() == stepped_tape_) {
      refuse(op, "the gradients of this tape were applied already; record a new tape each step");
    }
    FirstStates first_states(state);
    const auto targets = targets_of(op, model, tape, first_states, [&](const void* key) {
      return !tape.gradient_values(key).empty();
    });
    if (targets.empty()) refuse(op, no_gradient);
    for (const Target& target : targets) update(target, tape.gradient_values(target.parameter.key));
    stepped_tape_ = tape.link();
    return std::ssize(targets);
  }

  /// tape.backward(loss) and step in one, to the same bits: a parameter is updated as soon as its
  /// gradient is complete, and the gradient released. There are never all gradients at once, which
  /// saves the memory of the weights once over; nor can they be clipped, or read afterwards.
  /// Returns how many were updated.
  ///
  /// Refuses what backward and step do, before anything is changed. If an operation throws in its
  /// backward, for instance std::bad_alloc, some parameters are updated and others are not: each of
  /// them with its state, so that training may go on.
  template <Module Model>
  Index backward_and_step(Model& model, Tape<Scalar>& tape, const Var<Scalar, 0>& loss) {
    constexpr std::string_view op = "AdamW::backward_and_step";
    FirstStates first_states(state);
    const auto targets = targets_of(op, model, tape, first_states,
                                    [&](const void* key) { return tape.has_parameter(key); });
    std::unordered_map<const void*, const Target*> by_key;
    for (const Target& target : targets) by_key.emplace(target.parameter.key, &target);
    Index updated = 0;
    tape.backward(loss, [&](const void* key, std::span<const Scalar> gradient) {
      update(*by_key.at(key), gradient);
      ++updated;
    });
    if (updated == 0) refuse(op, no_gradient);
    return updated;
  }

 private:
  static constexpr std::string_view no_gradient = "the tape holds no gradient of this model";

  /// A parameter to update, and its state.
  struct Target {
    NamedParameter<Scalar> parameter;
    State* state;
  };

  /// States for parameters that have none yet. They are made before a step begins, so that it
  /// cannot fail half-way for want of memory; those that were used are the optimizer's afterwards.
  class FirstStates {
   public:
    explicit FirstStates(std::map<std::string, State>& states) : states_(states) {}
    FirstStates(const FirstStates&) = delete;
    FirstStates& operator=(const FirstStates&) = delete;
    ~FirstStates() {
      while (!made_.empty()) {
        auto node = made_.extract(made_.begin());  // moves no tensor and asks for no memory
        if (node.mapped().steps == 0) continue;
        states_.erase(node.key());
        states_.insert(std::move(node));
      }
    }

    State& make(const std::string& name, Index count) {
      State& made = made_[name];
      made.first = Tensor<Scalar, 1>({count});
      made.second = Tensor<Scalar, 1>({count});
      return made;
    }

   private:
    std::map<std::string, State>& states_;
    std::map<std::string, State> made_;
  };

  /// The parameters that `takes_part` says, with their states. Refuses, in the name of `op`, a
  /// model, a tape and a state that do not belong together.
  template <Module Model, class TakesPart>
  std::vector<Target> targets_of(std::string_view op, Model& model, const Tape<Scalar>& tape,
                                 FirstStates& first_states, const TakesPart& takes_part) {
    check_config();
    auto parameters = named_parameters(model);
    check_same_parameters(op, parameters, tape);
    if (state.empty()) check_initialized(op, parameters);
    std::vector<Target> targets;
    targets.reserve(parameters.size());
    for (NamedParameter<Scalar>& parameter : parameters) {
      if (!takes_part(parameter.key)) continue;
      const auto known = state.find(parameter.name);
      State& moments = known != state.end() && known->second.steps > 0
                           ? known->second
                           : first_states.make(parameter.name, std::ssize(parameter.values));
      targets.push_back({std::move(parameter), &moments});
    }
    return targets;
  }

  void check_same_parameters(std::string_view op,
                             const std::vector<NamedParameter<Scalar>>& parameters,
                             const Tape<Scalar>& tape) const {
    Index known = 0;
    for (const NamedParameter<Scalar>& parameter : parameters) {
      if (tape.has_parameter(parameter.key)) ++known;
      check_state(op, parameter);
    }
    if (known != tape.parameter_count()) {
      refuse(op, "the tape recorded ", tape.parameter_count(), " parameters, but only ", known,
             " of them are in the model: it moved or was copied since, or a module's visit leaves "
             "parameters out");
    }
  }

  void check_state(std::string_view op, const NamedParameter<Scalar>& parameter) const {
    const auto known = state.find(parameter.name);
    if (known == state.end()) return;
    const State& moments = known->second;
    if (moments.steps < 0) {
      refuse(op, "the state of ", parameter.name, " has steps = ", moments.steps);
    }
    if (moments.steps == 0) return;
    const Index count = std::ssize(parameter.values);
    if (!(moments.first.size() == count && moments.second.size() == count)) {
      refuse(op, "the state of ", parameter.name, " has ", moments.first.size(), " and ",
             moments.second.size(), " values, not ", count);
    }
  }

  /// A new model has zeros as weights. One of several layers, which norms or a patch embedding
  /// show, learns nothing from there. A single layer may: it is not refused.
  static void check_initialized(std::string_view op,
                                const std::vector<NamedParameter<Scalar>>& parameters) {
    std::vector<std::string_view> zeros;
    bool is_deep = false;
    for (const auto& [name, shape, values, trainable, key, role] : parameters) {
      is_deep =
          is_deep || role == ParameterRole::norm_weight || role == ParameterRole::patch_weight;
      if (role != ParameterRole::weight && role != ParameterRole::patch_weight) continue;
      if (std::ranges::any_of(values, [](Scalar value) { return !(value >= 0 && value <= 0); }))
        return;
      zeros.push_back(name);
    }
    if (is_deep && zeros.size() > 1) {
      refuse(op, "all ", zeros.size(), " weights of the model are zero, ", zeros[0],
             " the first of them: initialize it, or load weights, before training");
    }
  }

  void check_config() const {
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

  void update(const Target& target, std::span<const Scalar> gradient) const {
    const auto& [parameter, moments] = target;
    const auto steps = static_cast<double>(++moments->steps);
    const double correction1 = 1 - std::pow(config.beta1, steps);
    const double correction2 = 1 - std::pow(config.beta2, steps);
    const kernels::AdamWFactors<Scalar> factors{
        .beta1 = static_cast<Scalar>(config.beta1),
        .one_minus_beta1 = static_cast<Scalar>(1 - config.beta1),
        .beta2 = static_cast<Scalar>(config.beta2),
        .one_minus_beta2 = static_cast<Scalar>(1 - config.beta2),
        .decay = static_cast<Scalar>(decays(parameter) ? 1 - config.lr * config.weight_decay : 1.0),
        .step_size = static_cast<Scalar>(config.lr / correction1),
        .inv_root = static_cast<Scalar>(1 / std::sqrt(correction2)),
        .eps = static_cast<Scalar>(config.eps)};
    Scalar* const values = parameter.values.data();
    Scalar* const first = moments->first.data();
    Scalar* const second = moments->second.data();
    kernels::for_each_range(std::ssize(parameter.values), [&](Index begin, Index end) {
      kernels::adamw_update(factors, gradient.data() + begin, values + begin, first + begin,
                            second + begin, end - begin);
    });
  }

  std::shared_ptr<const detail::TapeLink<Scalar>> stepped_tape_;  ///< of the last step
};

}  // namespace tessera
