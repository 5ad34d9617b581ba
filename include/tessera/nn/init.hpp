#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "tessera/core/random/distributions.hpp"
#include "tessera/nn/module.hpp"
#include "tessera/nn/patch_embed.hpp"

namespace tessera {

/// The distribution that weights of Linear layers are drawn from; biases become zero unless
/// `torch_default`.
enum class LinearInit {
  xavier_uniform,  ///< U(+-sqrt(6 / (in + out))); Glorot & Bengio, 2010, eq. 16
  trunc_normal,    ///< normal of deviation 0.02, cut at +-2
  torch_default,   ///< weight, then bias: U(+-1 / sqrt(in))
};

namespace detail {

template <std::floating_point Scalar>
void draw_xavier(std::span<Scalar> values, Index in, Index out, Generator& generator) {
  const double bound = std::sqrt(6.0 / static_cast<double>(in + out));
  fill_uniform(values, -bound, bound, generator);
}

template <std::floating_point Scalar>
void draw_trunc_normal(std::span<Scalar> values, Generator& generator) {
  fill_trunc_normal(values, 0.0, 0.02, -2.0, 2.0, generator);
}

template <std::floating_point Scalar>
void draw_torch_default(std::span<Scalar> values, Index in, Generator& generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  fill_uniform(values, -bound, bound, generator);
}

template <std::floating_point Scalar>
void check_weights_before_biases(const std::vector<NamedParameter<Scalar>>& parameters) {
  bool weight_met = false;
  for (const NamedParameter<Scalar>& parameter : parameters) {
    weight_met = weight_met || parameter.role == ParameterRole::weight;
    if (parameter.role == ParameterRole::bias && !weight_met) {
      refuse("init_linears", parameter.name,
             " is the bias of no weight before it, whose inputs bound its values");
    }
  }
}

/// Weights and biases of Linears and norms, in the order of the list. `torch_default` bounds a bias
/// by the inputs of its weight, which is the one before it.
template <std::floating_point Scalar>
void init_linears(const std::vector<NamedParameter<Scalar>>& parameters, LinearInit how,
                  Generator& generator) {
  if (how == LinearInit::torch_default) check_weights_before_biases(parameters);
  Index in = 0;
  for (const NamedParameter<Scalar>& parameter : parameters) {
    const std::span<Scalar> values = parameter.values;
    switch (parameter.role) {
      case ParameterRole::weight: {
        const Index out = parameter.shape[0];
        in = std::ssize(values) / out;
        if (how == LinearInit::xavier_uniform) draw_xavier(values, in, out, generator);
        if (how == LinearInit::trunc_normal) draw_trunc_normal(values, generator);
        if (how == LinearInit::torch_default) draw_torch_default(values, in, generator);
        break;
      }
      case ParameterRole::bias:
        if (how == LinearInit::torch_default) {
          draw_torch_default(values, in, generator);
        } else {
          std::ranges::fill(values, Scalar(0));
        }
        break;
      case ParameterRole::norm_weight:
        std::ranges::fill(values, Scalar(1));
        break;
      case ParameterRole::norm_bias:
        std::ranges::fill(values, Scalar(0));
        break;
      case ParameterRole::layer_scale:
      case ParameterRole::patch_weight:
      case ParameterRole::patch_bias:
      case ParameterRole::token:
      case ParameterRole::position:
      case ParameterRole::other:
        break;  // no part of a Linear or a norm
    }
  }
}

}  // namespace detail

/// Draws the weights of all Linears below a module in forward order, and makes every norm the
/// identity. Linear and norm is what says so by the roles of its parameters (ParameterRole), a
/// module of the user's too; everything else stays as it is.
/// Throws std::invalid_argument if `torch_default` meets a bias before any weight.
template <Module Model>
void init_linears(Model& model, LinearInit how, Generator& generator) {
  detail::init_linears(named_parameters(model), how, generator);
}

/// Weight and bias of the patch embedding as torch draws a convolution: U(+-1 / sqrt(C p p)).
template <std::floating_point Scalar>
void init_patch_embed(PatchEmbed<Scalar>& patch_embed, Generator& generator) {
  const Index in = patch_embed.proj.weight.value.size() / patch_embed.proj.weight.value.dim(0);
  detail::draw_torch_default(patch_embed.proj.weight.value.values(), in, generator);
  detail::draw_torch_default(patch_embed.proj.bias.value.values(), in, generator);
}

}  // namespace tessera
