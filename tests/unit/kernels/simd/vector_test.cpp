#include "tessera/kernels/simd/vector.hpp"

#include <vector>

#include "support/catch.hpp"

namespace tessera::kernels {

// Vectors wider than the baseline's are made of several here: the same results, slower.
TEMPLATE_TEST_CASE("vectors go to and from memory of any alignment, whole and in part", "", Float4,
                   Float8, Float16) {
  constexpr auto count = static_cast<std::size_t>(lanes<TestType>);
  std::vector<float> in(count + 1);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  TestType vector;
  load(vector, in.data() + 1);
  std::vector<float> out(count + 1, -1.0F);
  store(vector, out.data() + 1);
  CHECK(out[0] == -1.0F);
  for (std::size_t i = 1; i < out.size(); ++i) CHECK(out[i] == in[i]);

  load_part(vector, in.data() + 1, 3);
  for (std::size_t i = 0; i < count; ++i) CHECK(vector[i] == (i < 3 ? in[i + 1] : 0.0F));
  load_part(vector, in.data() + 1, 3, 9.0F);
  for (std::size_t i = 0; i < count; ++i) CHECK(vector[i] == (i < 3 ? in[i + 1] : 9.0F));
  std::fill(out.begin(), out.end(), -1.0F);
  store_part(vector, out.data(), 2);
  CHECK(out[1] == in[2]);
  CHECK(out[2] == -1.0F);
}

TEMPLATE_TEST_CASE("the elements of a vector are summed, and the largest is found", "", Float4,
                   Float8, Float16) {
  constexpr auto count = static_cast<std::size_t>(lanes<TestType>);
  for (std::size_t place = 0; place < count; ++place) {
    TestType vector{};
    for (std::size_t i = 0; i < count; ++i) vector[i] = i == place ? -2.0F : -8.0F;
    CHECK(largest_of(vector) == -2.0F);
    CHECK(sum_of(vector) == -8.0F * static_cast<float>(count - 1) - 2.0F);
  }
}

}  // namespace tessera::kernels
