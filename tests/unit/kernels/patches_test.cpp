#include "tessera/kernels/patches.hpp"

#include <vector>

#include "support/catch.hpp"

namespace tessera::kernels {

namespace {

// Pixel value = 100 channel + 10 row + column.
Tensor<double, 3> numbered(Index channels, Index height, Index width) {
  Tensor<double, 3> image({channels, height, width});
  for (Index c = 0; c < channels; ++c) {
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x) {
        image(c, y, x) = static_cast<double>(100 * c + 10 * y + x);
      }
    }
  }
  return image;
}

}  // namespace

TEST_CASE("a patch grid counts patches and their values") {
  const PatchGrid grid{3, 4, 6, 2};
  CHECK(grid.rows() == 2);
  CHECK(grid.cols() == 3);
  CHECK(grid.count() == 6);
  CHECK(grid.values() == 12);
}

TEST_CASE("read_patch knows both orders of values") {
  const Tensor<double, 3> image = numbered(2, 4, 6);
  const PatchGrid grid{2, 4, 6, 2};
  std::vector<double> values(8);
  read_patch(image.data(), grid, PatchLayout::row_col_channel, 5, values.data());
  CHECK(values == std::vector<double>{24, 124, 25, 125, 34, 134, 35, 135});
  read_patch(image.data(), grid, PatchLayout::channel_row_col, 1, values.data());
  CHECK(values == std::vector<double>{2, 3, 12, 13, 102, 103, 112, 113});
}

TEST_CASE("add_patch adds what read_patch reads") {
  const Tensor<double, 3> image = numbered(3, 6, 4);
  const PatchGrid grid{3, 6, 4, 2};
  for (const PatchLayout layout : {PatchLayout::row_col_channel, PatchLayout::channel_row_col}) {
    Tensor<double, 3> sum = image;
    std::vector<double> values(12);
    for (Index patch = 0; patch < grid.count(); ++patch) {
      read_patch(image.data(), grid, layout, patch, values.data());
      add_patch(sum.data(), grid, layout, patch, values.data());
    }
    Tensor<double, 3> doubled = image;
    doubled.array() *= 2;
    CHECK(sum == doubled);
  }
}

}  // namespace tessera::kernels
