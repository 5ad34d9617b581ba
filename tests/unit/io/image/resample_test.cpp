#include "tessera/io/image/resample.hpp"

#include <numeric>

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("resampling: weights of a window add up to one, whatever the scale") {
  for (const Filter filter :
       {Filter::box, Filter::bilinear, Filter::hamming, Filter::bicubic, Filter::lanczos}) {
    for (const auto& [source, target] :
         {std::pair<Index, Index>{10, 3}, {3, 10}, {7, 7}, {1, 5}, {2000, 1}}) {
      detail::Resampling resampling(source, target, filter);
      for (Index position = 0; position < target; ++position) {
        std::vector<std::int32_t> weights;
        resampling.append_weights(position, weights);
        const detail::Window window = resampling.window(position);
        CHECK(std::ssize(weights) == window.count);
        CHECK(window.first >= 0);
        CHECK(window.end() <= source);
        const auto sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
        CHECK(std::abs(sum - (1 << detail::weight_bits)) <= window.count);
      }
    }
  }
}

TEST_CASE("resampling: a part reaches from its first window to its last") {
  const detail::Resampling resampling(100, 10, Filter::bilinear);
  const detail::Window reach = resampling.reach({2, 3});
  CHECK(reach.first == resampling.window(2).first);
  CHECK(reach.end() == resampling.window(4).end());
}

TEST_CASE("filters at places where their values are known") {
  using detail::filter_weight;
  CHECK(filter_weight(Filter::box, 0.5) == 1.0);
  CHECK(filter_weight(Filter::box, -0.5) == 0.0);
  CHECK(filter_weight(Filter::bilinear, -0.25) == 0.75);
  CHECK(filter_weight(Filter::bicubic, 0.0) == 1.0);
  CHECK(filter_weight(Filter::bicubic, 1.5) == -0.0625);
  CHECK(filter_weight(Filter::hamming, 0.0) == 1.0);
  CHECK(filter_weight(Filter::hamming, 1.0) == 0.0);
  CHECK(filter_weight(Filter::lanczos, 0.0) == 1.0);
  CHECK(std::abs(filter_weight(Filter::lanczos, 2.0)) < 1e-15);
  CHECK(filter_weight(Filter::lanczos, 3.0) == 0.0);
}

}  // namespace tessera::io::test
