#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/nn/init.hpp"

namespace tessera {

/// Whose first weights a model gets. The draws come in the order of that code, after the patch
/// embedding has been drawn as torch draws a convolution, so that one seed gives the same weights.
enum class InitRecipe {
  mae,      ///< published MAE: xavier_uniform, tokens N(0, 0.02)
  ijepa,    ///< published I-JEPA: truncated normal of 0.02 throughout
  timm,     ///< timm's VisionTransformer: truncated normal of 0.02, tokens N(0, 1e-6)
  lightly,  ///< lightly: encoder and decoder as mae, the layers around the decoder as torch does
};

/// The recipe called "mae", "ijepa", "timm" or "lightly".
/// Throws std::invalid_argument for any other name.
inline InitRecipe init_recipe_from_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, InitRecipe>, 4> recipes{{
      {"mae", InitRecipe::mae},
      {"ijepa", InitRecipe::ijepa},
      {"timm", InitRecipe::timm},
      {"lightly", InitRecipe::lightly},
  }};
  for (const auto& [known, recipe] : recipes) {
    if (name == known) return recipe;
  }
  refuse("init_recipe_from_name", "there is no recipe \"", name,
         "\"; known are mae, ijepa, timm and lightly");
  return InitRecipe::mae;
}

namespace detail {

inline LinearInit linear_init(InitRecipe recipe) {
  return recipe == InitRecipe::mae || recipe == InitRecipe::lightly ? LinearInit::xavier_uniform
                                                                    : LinearInit::trunc_normal;
}

/// Everything in an encoder that is no Linear and no norm.
template <std::floating_point Scalar>
void init_embeddings(MaskedVisionTransformer<Scalar>& encoder, InitRecipe recipe,
                     Generator& generator) {
  init_patch_embed(encoder.patch_embed, generator);
  Parameter<Scalar, 4>& kernel = encoder.patch_embed.proj.weight;
  if (linear_init(recipe) == LinearInit::xavier_uniform) {
    const Index dim = kernel.value.dim(0);
    draw_xavier(kernel.value.values(), kernel.value.size() / dim, dim, generator);
  } else if (recipe == InitRecipe::ijepa) {
    draw_trunc_normal(kernel.value.values(), generator);
    std::fill(encoder.patch_embed.proj.bias.value.begin(),
              encoder.patch_embed.proj.bias.value.end(), Scalar(0));
  }
  if (encoder.config.pos_embed == PositionEmbedding::learned) {
    draw_trunc_normal(encoder.pos_embed.value.values(), generator);
  }
  // lightly draws the class token anew and leaves the registers as timm made them.
  const double cls_std = recipe == InitRecipe::timm ? 1e-6 : 0.02;
  const double reg_std = recipe == InitRecipe::lightly ? 1e-6 : cls_std;
  if (encoder.cls_token) fill_normal(encoder.cls_token->value.values(), 0.0, cls_std, generator);
  if (encoder.reg_token) fill_normal(encoder.reg_token->value.values(), 0.0, reg_std, generator);
  std::fill(encoder.mask_token.value.begin(), encoder.mask_token.value.end(), Scalar(0));
  const auto first_scale = static_cast<Scalar>(encoder.config.init_values.value_or(1.0));
  for (TransformerBlock<Scalar>& block : encoder.blocks) {
    for (auto* scale : {&block.ls1, &block.ls2}) {
      if (*scale) std::ranges::fill((*scale)->gamma.value, first_scale);
    }
  }
}

template <std::floating_point Scalar>
void init_mask_token(MaskedVisionTransformerDecoder<Scalar>& decoder, InitRecipe recipe,
                     Generator& generator) {
  if (linear_init(recipe) == LinearInit::xavier_uniform) {
    fill_normal(decoder.mask_token.value.values(), 0.0, 0.02, generator);
  } else {
    draw_trunc_normal(decoder.mask_token.value.values(), generator);
  }
}

}  // namespace detail

/// Draws every weight of an encoder; LayerScale gets its first values. Fixed positions stay.
template <std::floating_point Scalar>
void initialize(MaskedVisionTransformer<Scalar>& encoder, InitRecipe recipe, Generator& generator) {
  detail::init_embeddings(encoder, recipe, generator);
  init_linears(encoder, detail::linear_init(recipe), generator);
}

/// Draws every weight of a decoder.
template <std::floating_point Scalar>
void initialize(MaskedVisionTransformerDecoder<Scalar>& decoder, InitRecipe recipe,
                Generator& generator) {
  detail::init_mask_token(decoder, recipe, generator);
  init_linears(decoder, detail::linear_init(recipe), generator);
}

/// Draws every weight of an MAE; `mae` is the recipe of the paper's code.
template <std::floating_point Scalar>
void initialize(MAE<Scalar>& mae, InitRecipe recipe, Generator& generator) {
  if (recipe == InitRecipe::lightly) {
    initialize(mae.encoder, recipe, generator);
    initialize(mae.decoder, recipe, generator);
    init_linears(mae.decoder_embed, LinearInit::torch_default, generator);
    init_linears(mae.prediction_head, LinearInit::torch_default, generator);
    return;
  }
  detail::init_embeddings(mae.encoder, recipe, generator);
  detail::init_mask_token(mae.decoder, recipe, generator);
  init_linears(mae, detail::linear_init(recipe), generator);
}

/// Draws every weight of an I-JEPA and makes the target encoder a copy of the encoder; `ijepa` is
/// the recipe of the paper's code, which draws its Linears twice.
template <std::floating_point Scalar>
void initialize(IJEPA<Scalar>& ijepa, InitRecipe recipe, Generator& generator) {
  if (recipe == InitRecipe::lightly) {
    initialize(ijepa.encoder, recipe, generator);
    Tensor<Scalar, 3>& mask_token = ijepa.predictor.mask_token.value;
    std::fill(mask_token.begin(), mask_token.end(), Scalar(0));
    init_linears(ijepa.predictor, LinearInit::torch_default, generator);
    init_linears(ijepa.predictor_embed, LinearInit::torch_default, generator);
    init_linears(ijepa.predictor_proj, LinearInit::torch_default, generator);
  } else {
    const LinearInit how = detail::linear_init(recipe);
    const auto init_predictor = [&] {
      init_linears(ijepa.predictor_embed, how, generator);
      init_linears(ijepa.predictor, how, generator);
      init_linears(ijepa.predictor_proj, how, generator);
    };
    initialize(ijepa.encoder, recipe, generator);
    detail::init_mask_token(ijepa.predictor, recipe, generator);
    init_predictor();
    if (recipe == InitRecipe::ijepa) {
      init_linears(ijepa.encoder, how, generator);
      init_predictor();
    }
  }
  ijepa.reset_target();
}

}  // namespace tessera
