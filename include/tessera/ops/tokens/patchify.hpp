#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/core/size.hpp"
#include "tessera/kernels/patches.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera {

namespace detail {

/// Throws std::invalid_argument unless images [B, C, H, W] divide into whole patches.
inline kernels::PatchGrid checked_patch_grid(std::string_view op, const Shape<4>& images,
                                             Index patch) {
  if (patch <= 0) refuse(op, "patch = ", patch, " must be positive");
  if (images[2] % patch != 0 || images[3] % patch != 0) {
    refuse(op, "the height and width of images ", images, " must be multiples of patch = ", patch);
  }
  return {images[1], images[2], images[3], patch};
}

/// Patches at idx [B, K] of images [B, C, H, W] -> [B, K, values]; idx < 0 gives zeros.
template <std::floating_point Scalar>
Var<Scalar, 3> read_patches(std::string_view op, const Var<Scalar, 4>& images,
                            const kernels::PatchGrid& grid, kernels::PatchLayout layout,
                            TokenIndex idx) {
  auto out = Tensor<Scalar, 3>::empty({idx.dim(0), idx.dim(1), grid.values()});
  const Index pixels = grid.channels * grid.height * grid.width;
  parallel_for(idx.dim(0), [&](Index b) {
    for (Index k = 0; k < idx.dim(1); ++k) {
      Scalar* values = out.row(b * idx.dim(1) + k);
      if (idx(b, k) < 0) {
        std::fill_n(values, grid.values(), Scalar{});
      } else {
        kernels::read_patch(images.value().data() + b * pixels, grid, layout, idx(b, k), values);
      }
    }
  });
  return record(
      op, std::move(out),
      [dimages = images.gradient(), grid, layout, idx = std::move(idx),
       pixels](const Tensor<Scalar, 3>& dout) {
        Tensor<Scalar, 4> result(dimages.shape());
        parallel_for(idx.dim(0), [&](Index b) {
          for (Index k = 0; k < idx.dim(1); ++k) {
            if (idx(b, k) < 0) continue;
            kernels::add_patch(result.data() + b * pixels, grid, layout, idx(b, k),
                               dout.row(b * idx.dim(1) + k));
          }
        });
        dimages.add(std::move(result));
      },
      images);
}

/// [B, N] with 0, 1, ..., N - 1 in every row.
inline TokenIndex all_tokens(Index batch, Index count) {
  auto idx = TokenIndex::empty({batch, count});
  for (Index i = 0; i < idx.size(); ++i) idx.data()[i] = i % count;
  return idx;
}

}  // namespace detail

/// images [B, C, H, W] -> patches row by row, each as (row, column, channel)
/// [B, (H / patch) (W / patch), patch patch C]. He et al., 2021, "Reconstruction target".
/// Throws std::invalid_argument if H or W is not a multiple of patch.
template <std::floating_point Scalar>
Var<Scalar, 3> patchify(const Var<Scalar, 4>& images, Index patch) {
  const auto grid = detail::checked_patch_grid("patchify", images.shape(), patch);
  return detail::read_patches("patchify", images, grid, kernels::PatchLayout::row_col_channel,
                              detail::all_tokens(images.dim(0), grid.count()));
}

/// The patches at idx [B, K] of images [B, C, H, W], each as (row, column, channel)
/// [B, K, patch patch C].
/// Throws std::invalid_argument as patchify, or if idx has other than B rows or leaves the grid.
template <std::floating_point Scalar>
Var<Scalar, 3> patchify_at_index(const Var<Scalar, 4>& images, Index patch, const TokenIndex& idx) {
  const auto grid = detail::checked_patch_grid("patchify_at_index", images.shape(), patch);
  check_token_index("patchify_at_index", "idx", idx, images.dim(0), grid.count());
  return detail::read_patches("patchify_at_index", images, grid,
                              kernels::PatchLayout::row_col_channel, idx);
}

/// images [B, C, H, W] -> patches as a convolution kernel reads them, (channel, row, column), so
/// that linear with a [D, C, patch, patch] weight is the patch embedding [B, N, C patch patch].
/// Throws std::invalid_argument if H or W is not a multiple of patch.
template <std::floating_point Scalar>
Var<Scalar, 3> unfold_patches(const Var<Scalar, 4>& images, Index patch) {
  const auto grid = detail::checked_patch_grid("unfold_patches", images.shape(), patch);
  return detail::read_patches("unfold_patches", images, grid, kernels::PatchLayout::channel_row_col,
                              detail::all_tokens(images.dim(0), grid.count()));
}

/// unfold_patches for the tokens at idx [B, K] of a sequence that begins with `prefix` tokens which
/// are no patches; their rows are zero [B, K, C patch patch].
/// Throws std::invalid_argument as unfold_patches, if prefix is negative, or if idx has other than
/// B rows or leaves the sequence.
template <std::floating_point Scalar>
Var<Scalar, 3> unfold_patches_at_index(const Var<Scalar, 4>& images, Index patch,
                                       const TokenIndex& idx, Index prefix) {
  const auto grid = detail::checked_patch_grid("unfold_patches_at_index", images.shape(), patch);
  if (prefix < 0) refuse("unfold_patches_at_index", "prefix = ", prefix, " is negative");
  check_token_index("unfold_patches_at_index", "idx", idx, images.dim(0), prefix + grid.count());
  TokenIndex patches = idx;
  for (Index& token : patches) token -= prefix;
  return detail::read_patches("unfold_patches_at_index", images, grid,
                              kernels::PatchLayout::channel_row_col, std::move(patches));
}

/// patches [B, N, patch patch C] of a grid of `height` x `width` pixels -> images [B, C, height,
/// width], the inverse of patchify.
/// Throws std::invalid_argument where the sizes do not fit.
template <std::floating_point Scalar>
Var<Scalar, 4> unpatchify(const Var<Scalar, 3>& patches, Index patch, Index height, Index width) {
  const Index pixels_of_patch = patch > 0 ? Size{patch, patch}.count() : 0;
  if (patch <= 0 || patches.dim(2) % pixels_of_patch != 0) {
    refuse("unpatchify", "patches ", patches.shape(),
           " do not hold whole pixels of patch = ", patch);
  }
  const Shape<4> shape{patches.dim(0), patches.dim(2) / pixels_of_patch, height, width};
  const auto grid = detail::checked_patch_grid("unpatchify", shape, patch);
  if (height <= 0 || width <= 0 || grid.count() != patches.dim(1)) {
    refuse("unpatchify", "patches ", patches.shape(), " do not cover ", height, " x ", width,
           " pixels with patch = ", patch);
  }
  constexpr auto layout = kernels::PatchLayout::row_col_channel;
  const Index pixels = grid.channels * height * width;
  Tensor<Scalar, 4> out(shape);
  parallel_for(shape[0], [&](Index b) {
    for (Index k = 0; k < grid.count(); ++k) {
      kernels::add_patch(out.data() + b * pixels, grid, layout, k,
                         patches.value().row(b * grid.count() + k));
    }
  });
  return record(
      "unpatchify", std::move(out),
      [dpatches = patches.gradient(), grid, pixels](const Tensor<Scalar, 4>& dout) {
        auto result = Tensor<Scalar, 3>::empty(dpatches.shape());
        parallel_for(result.dim(0), [&](Index b) {
          for (Index k = 0; k < grid.count(); ++k) {
            kernels::read_patch(dout.data() + b * pixels, grid, layout, k,
                                result.row(b * grid.count() + k));
          }
        });
        dpatches.add(std::move(result));
      },
      patches);
}

}  // namespace tessera
