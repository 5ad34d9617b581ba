#pragma once

#include <string>
#include <utility>

#include "tessera/core/random/generator.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::test {

/// Random values for every parameter but fixed position tables, biases and tokens included, so that
/// zeros hide nothing; scales of norms lie around 1.
template <Module Model>
void randomize(Model& model, std::uint64_t seed) {
  using Scalar = typename Model::scalar_type;
  Generator generator(seed);
  for (const auto& parameter : named_parameters(model)) {
    const std::string& name = parameter.name;
    if (!parameter.trainable && name.ends_with("pos_embed")) continue;
    const bool is_scale = name.ends_with("gamma") ||
                          (name.find("norm") != std::string::npos && name.ends_with("weight"));
    const double spread = parameter.shape.size() > 1 ? 0.3 : 0.2;
    for (Scalar& value : parameter.values) {
      value = static_cast<Scalar>(spread * generator.normal() + (is_scale ? 1.0 : 0.0));
    }
  }
}

/// A module and what it is applied to, both with gradients.
template <Module M, int Rank>
struct WithInput {
  using scalar_type = typename M::scalar_type;

  WithInput(M inner, Tensor<scalar_type, Rank> value)
      : input{std::move(value)}, module(std::move(inner)) {
    randomize(module, 11);
  }

  Parameter<scalar_type, Rank> input;
  M module;

  static void visit(auto& self, auto&& visitor) {
    visitor("input", self.input);
    visitor("module", self.module);
  }
};

}  // namespace tessera::test
