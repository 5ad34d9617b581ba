#pragma once

#include "tessera/nn/module.hpp"
#include "tessera/ops/linear.hpp"
#include "tessera/ops/tokens/patchify.hpp"

namespace tessera {

/// images [B, C, H, W] -> one token per patch [B, N, dim], row by row: the convolution of kernel
/// and stride `patch`, computed as one product. Dosovitskiy et al., 2021, 3.1.
template <std::floating_point Scalar>
struct PatchEmbed {
  using scalar_type = Scalar;

  struct Projection {
    using scalar_type = Scalar;

    Parameter<Scalar, 4> weight;  ///< [dim, C, patch, patch]
    Parameter<Scalar, 1> bias;    ///< [dim]

    static void visit(auto& self, auto&& visitor) {
      visitor("weight", self.weight, ParameterRole::patch_weight);
      visitor("bias", self.bias, ParameterRole::patch_bias);
    }
  };

  PatchEmbed() = default;
  /// Zeros. Throws std::invalid_argument unless all sizes are positive.
  PatchEmbed(Index in_chans, Index dim, Index patch_size) {
    if (in_chans <= 0 || dim <= 0 || patch_size <= 0) {
      refuse("PatchEmbed", "in_chans = ", in_chans, ", dim = ", dim,
             " and patch_size = ", patch_size, " must be positive");
    }
    proj.weight.value = Tensor<Scalar, 4>({dim, in_chans, patch_size, patch_size});
    proj.bias.value = Tensor<Scalar, 1>({dim});
  }

  Projection proj;

  static void visit(auto& self, auto&& visitor) { visitor("proj", self.proj); }

  Index patch_size() const { return proj.weight.value.dim(2); }
  Index in_chans() const { return proj.weight.value.dim(1); }

  Var<Scalar, 3> operator()(const Var<Scalar, 4>& images) const {
    check_channels(images);
    return project(unfold_patches(images, patch_size()));
  }

  /// Tokens idx [B, K] alone, of a sequence that begins with `prefix` tokens which are no patches;
  /// the rows of those hold numbers without meaning, for the caller to write over.
  Var<Scalar, 3> at_index(const Var<Scalar, 4>& images, const TokenIndex& idx, Index prefix) const {
    check_channels(images);
    return project(unfold_patches_at_index(images, patch_size(), idx, prefix));
  }

 private:
  void check_channels(const Var<Scalar, 4>& images) const {
    if (images.dim(1) != in_chans()) {
      refuse("PatchEmbed", "images ", images.shape(), " must have the ", in_chans(),
             " channels of weight ", proj.weight.value.shape());
    }
  }

  Var<Scalar, 3> project(const Var<Scalar, 3>& patches) const {
    return linear(patches, proj.weight.on(patches.tape()), proj.bias.on(patches.tape()));
  }
};

}  // namespace tessera
