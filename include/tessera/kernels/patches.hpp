#pragma once

#include "tessera/core/tensor.hpp"
#include "tessera/core/threads/parallel.hpp"

namespace tessera::kernels {

/// Order of the values of one patch: as MAE's pixel targets have it, or as a convolution kernel.
enum class PatchLayout {
  row_col_channel,
  channel_row_col,
};

struct PatchGrid {
  Index channels;
  Index height;  ///< pixels
  Index width;   ///< pixels
  Index patch;   ///< pixels along a side

  Index rows() const { return height / patch; }
  Index cols() const { return width / patch; }
  Index count() const { return rows() * cols(); }
  Index values() const { return channels * patch * patch; }
};

/// Calls f(pixel offset within the image, value offset within the patch, run length) for the runs
/// of pixels that are neighbours in both, or for single pixels.
template <class F>
void for_each_pixel_run(const PatchGrid& grid, PatchLayout layout, Index patch_index, const F& f) {
  const Index top = patch_index / grid.cols() * grid.patch;
  const Index left = patch_index % grid.cols() * grid.patch;
  for (Index c = 0; c < grid.channels; ++c) {
    for (Index y = 0; y < grid.patch; ++y) {
      const Index pixel = (c * grid.height + top + y) * grid.width + left;
      if (layout == PatchLayout::channel_row_col) {
        f(pixel, (c * grid.patch + y) * grid.patch, Index{1}, grid.patch);
      } else {
        f(pixel, y * grid.patch * grid.channels + c, grid.channels, grid.patch);
      }
    }
  }
}

/// image [C, H, W] -> the values of one patch.
template <class Scalar>
void read_patch(const Scalar* image, const PatchGrid& grid, PatchLayout layout, Index patch_index,
                Scalar* values) {
  for_each_pixel_run(grid, layout, patch_index,
                     [&](Index pixel, Index value, Index step, Index run) {
                       for (Index x = 0; x < run; ++x) values[value + x * step] = image[pixel + x];
                     });
}

/// Adds the values of one patch to image [C, H, W].
template <class Scalar>
void add_patch(Scalar* image, const PatchGrid& grid, PatchLayout layout, Index patch_index,
               const Scalar* values) {
  for_each_pixel_run(grid, layout, patch_index,
                     [&](Index pixel, Index value, Index step, Index run) {
                       for (Index x = 0; x < run; ++x) image[pixel + x] += values[value + x * step];
                     });
}

}  // namespace tessera::kernels
