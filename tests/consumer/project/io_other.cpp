#include <cstddef>
#include <vector>

#include "tessera/io/image.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/tessera.hpp"

std::vector<std::byte> safetensors_of_the_other_unit() {
  const tessera::Tensor<float, 1> x({3}, {1, 2, 3});
  tessera::io::SafetensorsWriter writer;
  writer.add("x", x);
  return writer.bytes();
}

std::vector<std::byte> png_of_the_other_unit() {
  return tessera::io::encode_png(tessera::io::Image({1, 2, 3}, {255, 0, 0, 0, 255, 0}));
}
