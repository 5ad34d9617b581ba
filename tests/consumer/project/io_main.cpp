#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "tessera/io/image.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/tessera.hpp"

// io_other.cpp
std::vector<std::byte> safetensors_of_the_other_unit();
std::vector<std::byte> png_of_the_other_unit();

int main() {
  const std::vector<std::byte> file = safetensors_of_the_other_unit();
  const tessera::io::TensorSource reader = tessera::io::open_tensors(file);
  const bool weights = reader.read<float, 1>("x") == tessera::Tensor<float, 1>({3}, {1, 2, 3});

  const tessera::io::Image image = tessera::io::decode_image(png_of_the_other_unit());
  const bool pixels = image == tessera::io::Image({1, 2, 3}, {255, 0, 0, 0, 255, 0});

  bool jpeg = false;
  const std::vector<std::byte> broken = {std::byte{0xFF}, std::byte{0xD8}, std::byte{0xFF}};
  try {
    tessera::io::decode_image(broken);
  } catch (const std::runtime_error& error) {
    std::printf("as expected: %s\n", error.what());
    jpeg = true;
  }
  std::printf("safetensors %d, png %d, jpeg %d\n", weights, pixels, jpeg);
  return weights && pixels && jpeg ? 0 : 1;
}
