#include "tessera/eval/spectrum.hpp"

#include <array>
#include <cmath>

#include "support/catch.hpp"
#include "support/models/published_models.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"

namespace tessera::eval::test {

using tessera::test::error_of;
using tessera::test::filler;
using tessera::test::near;

namespace {

/// 20 features of six columns, each less wide than the one before.
Tensor<double, 2> narrowing() {
  constexpr std::array<double, 6> width{1, .8, .5, .2, .05, .01};
  auto z = Tensor<double, 2>::empty({20, 6});
  for (Index j = 0; j < z.size(); ++j) {
    z.data()[j] =
        filler(static_cast<std::uint32_t>(j), 52, 1) * width[static_cast<std::size_t>(j % 6)];
  }
  return z;
}

}  // namespace

TEST_CASE("RankMe is that of its authors' definition") {
  const Tensor<double, 2> z = narrowing();
  CHECK(rank_me(z) == near(3.69190954871, 1e-9));
  CHECK(rank_me(z, 1e-5) == near(3.6922832412, 1e-9));
  CHECK(rank_me(z, 0) == near(3.69190577355, 1e-9));
  CHECK(rank_me(z.cast<float>(), 0) == near(3.69190577355, 1e-6));
  // The transposed features have the same singular values.
  auto wide = Tensor<double, 2>::empty({6, 20});
  wide.matrix() = z.matrix().transpose();
  CHECK(rank_me(wide) == near(3.69190954871, 1e-9));
}

TEST_CASE("alpha-ReQ is the slope of the spectrum") {
  const Tensor<double, 2> z = narrowing();
  CHECK(alpha_req(z, {.first = 1, .last = 6}) == near(3.7771756789, 1e-9));
  CHECK(alpha_req(z, {.first = 1, .last = 6, .weighted = false}) == near(4.93249851269, 1e-9));
  CHECK(alpha_req(z, {.first = 2, .last = 5}) == near(5.44233994588, 1e-9));
}

TEST_CASE("LiDAR is that of its authors' definition") {
  auto features = Tensor<double, 3>::empty({5, 4, 6});
  for (Index p = 0; p < 5; ++p) {
    for (Index v = 0; v < 4; ++v) {
      for (Index d = 0; d < 6; ++d) {
        const auto of_view = static_cast<std::uint32_t>((p * 4 + v) * 6 + d);
        const auto of_picture = static_cast<std::uint32_t>(p * 6 + d);
        features(p, v, d) = 0.3 * filler(of_view, 53, 1) + filler(of_picture, 54, 1);
      }
    }
  }
  CHECK(lidar(features) == near(3.26482453263, 1e-9));
  // A collapsed encoder sees no difference between pictures.
  CHECK(lidar(Tensor<double, 3>({5, 4, 6}, 0.7)) == 0);
}

TEST_CASE("features without a spectrum are refused") {
  Tensor<double, 2> z = narrowing();
  CHECK(error_of([] { rank_me(Tensor<double, 2>({3, 2})); }) ==
        "rank_me: features [3, 2] are all 0");
  CHECK(error_of([] { rank_me(Tensor<double, 2>({0, 2})); }) ==
        "rank_me: features [0, 2] must have at least 1 rows and one column");
  CHECK(error_of([&] { alpha_req(z); }) ==
        "alpha_req: ranks 11 to 50 are not in [1, 6], the eigenvalues of features [20, 6]");
  CHECK(error_of([] { lidar(Tensor<double, 3>({1, 4, 2})); }) ==
        "lidar: features [1, 4, 2] must be of two pictures or more, two views or more");
  for (Index r = 0; r < 20; ++r) z(r, 5) = 0;
  CHECK(error_of([&] { alpha_req(z, {.first = 1, .last = 6}); }) ==
        "alpha_req: features [20, 6] use less than 6 directions");
  z(4, 1) = std::nan("");
  CHECK(error_of([&] { rank_me(z); }) ==
        "rank_me: features [20, 6] hold a value that is not finite");
}

}  // namespace tessera::eval::test
