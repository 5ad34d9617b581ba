// PNG, JPEG and WebP: decoded to pixels of the announced size, or refused, strictly and as Pillow
// does.
#include "fuzz/support.hpp"
#include "tessera/io/image.hpp"
#include "tessera/io/torch/crc32.hpp"

namespace {

using namespace tessera::io;

void decode_with(std::span<const std::byte> bytes, const ReadOptions& options) {
  fuzz::read_or_refuse([&] {
    std::vector<std::string> warnings;
    const Image image = decode_image(bytes, "input", options, &warnings);
    fuzz::require_that(image.dim(2) == 3 && image.dim(0) > 0 && image.dim(1) > 0);
    fuzz::require_that(image.dim(0) * image.dim(1) <= options.max_pixels);
    std::uint32_t sum = 0;
    for (const std::uint8_t value : image.values()) sum += value;
    fuzz::require_that(sum <= 255u * 3u * static_cast<std::uint32_t>(options.max_pixels));
    // Whatever its proportion, it becomes an input of a model or is refused.
    try {
      fuzz::require_that(size_of(fit_image(image, {.size = {8, 8}, .shorter_side = 9})) ==
                         tessera::Size{8, 8});
    } catch (const std::invalid_argument&) {
    }
  });
}

void decode(std::span<const std::byte> bytes) {
  constexpr tessera::Index max_pixels = 1 << 16;
  decode_with(bytes, {.max_pixels = max_pixels});
  decode_with(bytes, {.max_pixels = max_pixels,
                      .orientation = Orientation::upright,
                      .strictness = Strictness::as_pillow,
                      .deep_gray = DeepGray::used_bits});
}

std::uint32_t big_endian(std::span<const std::byte, 4> bytes) {
  std::uint32_t number = 0;
  for (const std::byte byte : bytes) number = number << 8 | std::to_integer<std::uint32_t>(byte);
  return number;
}

/// A PNG with the right sum behind each chunk: else hardly a change gets past libpng's check.
std::vector<std::byte> with_right_sums(std::span<const std::byte> png) {
  std::vector<std::byte> bytes(png.begin(), png.end());
  const std::span<std::byte> all(bytes);
  for (std::size_t at = 8; all.size() - at >= 12;) {  // length, name, data, sum
    const std::size_t length = big_endian(all.subspan(at).first<4>());
    if (length > all.size() - at - 12) break;
    const std::uint32_t sum = crc32(all.subspan(at + 4, 4 + length));
    at += 8 + length;
    for (int shift = 24; shift >= 0; shift -= 8) all[at++] = std::byte(sum >> shift);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  decode(bytes);
  if (size >= 8 && is_png(bytes)) decode(with_right_sums(bytes));
  return 0;
}
