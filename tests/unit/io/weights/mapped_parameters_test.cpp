#include "tessera/io/weights/mapped_parameters.hpp"

#include <array>
#include <memory>

#include "support/catch.hpp"
#include "tessera/nn/linear.hpp"

namespace tessera::io::test {

TEST_CASE("a parameter takes over the memory that stands under its key, and no other does") {
  struct Owner : MemoryOwner {};
  std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  Linear<float> layer(3, 2);
  const float* const bias = layer.bias->value.data();
  detail::MappedParameters<float> mapped;
  CHECK(mapped.empty());
  mapped.add(&layer.weight.value,
             Buffer<float>(values.data(), values.size(), std::make_unique<Owner>()));
  CHECK(!mapped.empty());
  for_each_parameter(layer, mapped);
  CHECK(layer.weight.value.data() != values.data());  // not before all else has been done
  mapped.adopt();
  CHECK(layer.weight.value.data() == values.data());
  CHECK(layer.weight.value.shape() == Shape<2>{2, 3});
  CHECK(layer.bias->value.data() == bias);
}

}  // namespace tessera::io::test
