#pragma once

#include <string>

#include "support/parity_table.hpp"
#include "support/random_tensor.hpp"
#include "support/tolerance.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/testing/gradient_check.hpp"

namespace tessera::test {

/// Compares backward with central differences; "" or what differs most. The worst error enters the
/// parity table.
template <Module Model, class Loss>
std::string gradient_error(const std::string& what, Model& model, const Loss& loss,
                           const testing::GradientCheckOptions& options = {}) {
  const testing::GradientCheck result = testing::check_gradients(model, loss, options);
  ParityTable::instance().add<double>("central differences", what, result.worst_error);
  if (result.checked == 0) return what + ": nothing was checked";
  return result.worst_error <= gradient_tolerance ? "" : what + ": " + result.worst_place;
}

/// The sum of x times fixed random weights: makes a loss of any output.
template <int Rank>
Var<double, 0> random_sum(const Var<double, Rank>& x) {
  return weighted_sum(x, random_tensor<Rank>(x.shape(), 29));
}

}  // namespace tessera::test
