// PNG and JPEG: decoded to pixels of the announced size, or refused.
#include "fuzz/support.hpp"
#include "tessera/io/image.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera::io;
  constexpr tessera::Index max_pixels = 1 << 16;
  fuzz::read_or_refuse([&] {
    const Image image = decode_image(fuzz::bytes_of(data, size), "input", max_pixels);
    fuzz::require_that(image.dim(2) == 3 && image.dim(0) > 0 && image.dim(1) > 0);
    fuzz::require_that(image.dim(0) * image.dim(1) <= max_pixels);
    std::uint32_t sum = 0;
    for (const std::uint8_t value : image.values()) sum += value;
    fuzz::require_that(sum <= 255u * 3u * static_cast<std::uint32_t>(max_pixels));
  });
  return 0;
}
