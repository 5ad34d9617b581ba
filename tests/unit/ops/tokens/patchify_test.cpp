#include "tessera/ops/tokens/patchify.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"

namespace tessera::test {

namespace {

const auto whole = [](Index patch) {
  return [patch](const auto& images) { return patchify(images, patch); };
};
const auto at = [](Index patch, const TokenIndex& idx) {
  return [=](const auto& images) { return patchify_at_index(images, patch, idx); };
};
const auto unfold = [](Index patch) {
  return [patch](const auto& images) { return unfold_patches(images, patch); };
};
const auto unfold_at = [](Index patch, const TokenIndex& idx, Index prefix) {
  return [=](const auto& images) { return unfold_patches_at_index(images, patch, idx, prefix); };
};
const auto back = [](Index patch, Index height, Index width) {
  return [=](const auto& patches) { return unpatchify(patches, patch, height, width); };
};

/// Pixel value = 100 channel + 10 row + column.
Tensor<double, 4> numbered(const Shape<4>& shape) {
  Tensor<double, 4> images(shape);
  for (Index b = 0; b < shape[0]; ++b) {
    for (Index c = 0; c < shape[1]; ++c) {
      for (Index y = 0; y < shape[2]; ++y) {
        for (Index x = 0; x < shape[3]; ++x) {
          images(b, c, y, x) = static_cast<double>(1000 * b + 100 * c + 10 * y + x);
        }
      }
    }
  }
  return images;
}

}  // namespace

TEMPLATE_TEST_CASE("patches go row by row, values as row, column, channel", "", float, double) {
  const Var<TestType, 4> images = numbered({1, 2, 2, 4}).cast<TestType>();
  CHECK(patchify(images, 2).value() ==
        Tensor<TestType, 3>({1, 2, 8}, {0, 100, 1, 101, 10, 110, 11, 111,  //
                                        2, 102, 3, 103, 12, 112, 13, 113}));
  CHECK(unfold_patches(images, 2).value() ==
        Tensor<TestType, 3>({1, 2, 8}, {0, 1, 10, 11, 100, 101, 110, 111,  //
                                        2, 3, 12, 13, 102, 103, 112, 113}));
}

TEST_CASE("each patch of an oblong image is its crop, and unpatchify is the exact inverse") {
  const Tensor<double, 4> images = random_tensor<4>({2, 3, 6, 9}, 1);
  const Tensor<double, 3> patches = patchify(Var<double, 4>(images), 3).value();
  REQUIRE(patches.shape() == Shape<3>{2, 6, 27});
  Index wrong = 0;
  for (Index b = 0; b < 2; ++b) {
    for (Index n = 0; n < 6; ++n) {
      for (Index v = 0; v < 27; ++v) {
        wrong += patches(b, n, v) != images(b, v % 3, n / 3 * 3 + v / 9, n % 3 * 3 + v / 3 % 3);
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(unpatchify(Var<double, 3>(patches), 3, 6, 9).value() == images);
}

TEST_CASE("patchify_at_index is get_at_index of patchify") {
  const TokenIndex idx({2, 3}, {5, 0, 5, 1, 2, 3});
  expect_twins(
      at(2, idx), [&](const auto& images) { return get_at_index(patchify(images, 2), idx); },
      random_tensor<4>({2, 3, 4, 6}, 1));
}

TEST_CASE("unfold_patches_at_index is get_at_index of unfold_patches, zero at the prefix") {
  const TokenIndex idx({2, 3}, {5, 0, 5, 1, 2, 3});
  const auto whole_images = random_tensor<4>({2, 3, 4, 6}, 1);
  expect_twins(
      unfold_at(2, idx, 0),
      [&](const auto& images) { return get_at_index(unfold_patches(images, 2), idx); },
      whole_images);
  // Token 0 and 1 are prefix, token 2 is patch 0.
  const Var<double, 4> images = numbered({1, 1, 2, 4});
  CHECK(unfold_patches_at_index(images, 2, TokenIndex({1, 4}, {3, 1, 2, 0}), 2).value() ==
        Tensor<double, 3>({1, 4, 4}, {2, 3, 12, 13, 0, 0, 0, 0, 0, 1, 10, 11, 0, 0, 0, 0}));
}

TEST_CASE("gradient of patchify and its kin") {
  const Tensor<double, 4> images = random_tensor<4>({2, 3, 4, 6}, 1);
  expect_gradient(whole(2), images);
  expect_gradient(whole(1), random_tensor<4>({1, 1, 1, 1}, 1));
  expect_gradient(whole(2), Tensor<double, 4>({0, 3, 4, 6}));
  expect_gradient(unfold(2), images);
  expect_gradient(at(2, TokenIndex({2, 3}, {5, 0, 5, 1, 2, 3})), images);  // a duplicate
  expect_gradient(at(2, TokenIndex({2, 0})), images);
  expect_gradient(unfold_at(2, TokenIndex({2, 4}, {6, 0, 3, 3, 1, 2, 0, 0}), 1), images);
  expect_gradient(back(2, 4, 6), random_tensor<3>({2, 6, 12}, 1));
  expect_gradient(back(2, 4, 6), Tensor<double, 3>({0, 6, 12}));
}

TEST_CASE("patchify and its kin have the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>(whole(4), random_tensor<4>({5, 3, 16, 24}, 1));
  expect_same_bits<float>(back(4, 16, 24), random_tensor<3>({5, 24, 48}, 1));
}

TEST_CASE("patches refuse what does not fit") {
  const Tensor<double, 4> images = random_tensor<4>({2, 3, 4, 6}, 1);
  const std::string rest =
      ": the height and width of images [2, 3, 4, 6] must be multiples of "
      "patch = 4";
  expect_refused("patchify" + rest, whole(4), images);
  expect_refused("unfold_patches" + rest, unfold(4), images);
  expect_refused("patchify_at_index" + rest, at(4, TokenIndex({2, 1})), images);
  expect_refused("unfold_patches_at_index" + rest, unfold_at(4, TokenIndex({2, 1}), 0), images);
  expect_refused("patchify: patch = 0 must be positive", whole(0), images);
  expect_refused("unfold_patches: patch = -2 must be positive", unfold(-2), images);
  expect_refused("patchify_at_index: idx(1, 0) = 6 is outside [0, 6)",
                 at(2, TokenIndex({2, 1}, {0, 6})), images);
  expect_refused("patchify_at_index: idx [1, 1] must have 2 rows, one per image",
                 at(2, TokenIndex({1, 1})), images);
  expect_refused("unfold_patches_at_index: idx(0, 0) = 7 is outside [0, 7)",
                 unfold_at(2, TokenIndex({2, 1}, {7, 0}), 1), images);
  expect_refused("unfold_patches_at_index: prefix = -1 is negative",
                 unfold_at(2, TokenIndex({2, 1}), -1), images);
}

TEST_CASE("unpatchify refuses what does not fit") {
  const Tensor<double, 3> patches = random_tensor<3>({2, 6, 12}, 1);
  expect_refused("unpatchify: patches [2, 6, 12] do not hold whole pixels of patch = 5",
                 back(5, 10, 15), patches);
  expect_refused("unpatchify: patches [2, 6, 12] do not hold whole pixels of patch = 0",
                 back(0, 4, 6), patches);
  expect_refused("unpatchify: patches [2, 6, 12] do not cover 4 x 4 pixels with patch = 2",
                 back(2, 4, 4), patches);
  expect_refused("unpatchify: patches [2, 6, 12] do not cover -4 x -6 pixels with patch = 2",
                 back(2, -4, -6), patches);
  expect_refused(
      "unpatchify: the height and width of images [2, 3, 3, 8] must be multiples of patch = 2",
      back(2, 3, 8), patches);
}

}  // namespace tessera::test
