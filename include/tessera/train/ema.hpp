#pragma once

#include <algorithm>
#include <iterator>

#include "tessera/kernels/ema.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/nn/module.hpp"

namespace tessera {

namespace detail {

/// Throws std::invalid_argument unless both models have the same parameters.
template <class A, class B>
void check_same_parameters(std::string_view op, const A& a, const B& b) {
  if (a.size() != b.size()) {
    refuse(op, "the models have ", a.size(), " and ", b.size(), " parameters");
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i].name == b[i].name && std::ranges::equal(a[i].shape, b[i].shape))) {
      refuse(op, "parameter ", a[i].name, " ", a[i].shape, " meets ", b[i].name, " ", b[i].shape);
    }
  }
}

}  // namespace detail

/// average = momentum * average + (1 - momentum) * model, for every parameter, also frozen ones.
/// Throws std::invalid_argument unless momentum is in [0, 1] and the models have the same
/// parameters; then nothing is changed.
template <Module Model>
void update_ema(Model& average, const Model& model, double momentum) {
  using Scalar = typename Model::scalar_type;
  if (!(momentum >= 0 && momentum <= 1)) {
    refuse("update_ema", "momentum = ", momentum, " is outside [0, 1]");
  }
  const auto averages = named_parameters(average);
  const auto sources = named_parameters(model);
  detail::check_same_parameters("update_ema", averages, sources);
  for (std::size_t i = 0; i < averages.size(); ++i) {
    Scalar* to = averages[i].values.data();
    const Scalar* from = sources[i].values.data();
    kernels::for_each_range(std::ssize(averages[i].values), [&](Index begin, Index end) {
      kernels::ema_update(momentum, from + begin, to + begin, end - begin);
    });
  }
}

}  // namespace tessera
