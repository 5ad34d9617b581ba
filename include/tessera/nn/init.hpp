#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tessera/core/random/distributions.hpp"
#include "tessera/nn/module.hpp"
#include "tessera/nn/patch_embed.hpp"

namespace tessera {

/// How the weights of Linear layers are drawn; biases become zero unless `torch_default`.
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
void init_linears(const std::vector<NamedParameter<Scalar>>& parameters, LinearInit how,
                  Generator& generator) {
  Index in = 0;  // of the weight met last: a bias follows its weight
  for (const auto& [name, shape, values, trainable, key] : parameters) {
    if (shape.size() == 2) {
      in = shape[1];
      if (how == LinearInit::xavier_uniform) {
        draw_xavier(values, in, shape[0], generator);
      } else if (how == LinearInit::trunc_normal) {
        draw_trunc_normal(values, generator);
      } else {
        draw_torch_default(values, in, generator);
      }
    } else if (shape.size() == 1) {
      const bool of_patch_embed =  // which is no Linear
          name.ends_with("proj.bias") && name.find("patch_embed") != std::string::npos;
      if (name.find("norm") != std::string::npos) {
        std::ranges::fill(values, name.ends_with("weight") ? 1 : 0);
      } else if (name.ends_with("bias") && !of_patch_embed) {
        if (how == LinearInit::torch_default) {
          draw_torch_default(values, in, generator);
        } else {
          std::ranges::fill(values, 0);
        }
      }
    }
  }
}

}  // namespace detail

/// Draws the weight of every Linear below a module in forward order, and makes every norm the
/// identity.
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
