#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/io/image/image.hpp"
#include "tessera/io/image/resample.hpp"

namespace tessera::io {

/// The axis that is resized first. It matters by a level or two here and there, because the pixels
/// between the passes have 8 bits.
enum class PassOrder {
  pillow_13,     // columns first, unless the height loses more than twice what the width does
  columns_first  // all Pillow versions before 13, with which the published weights were trained
};

namespace detail {

/// The wanted positions of a resampled axis, and where the source begins: an image that holds
/// part of the source has its first row or column at source position `origin`.
struct AxisPart {
  Resampling resampling;
  Window wanted;
  Index origin = 0;
};

/// Rows `rows` of the image, with the wanted columns: [H, W, 3] -> [rows.count, wanted.count, 3].
inline Image resize_columns(const Image& image, const Window& rows, AxisPart part) {
  struct Sum {
    Window reads;
    std::size_t weights;  // where they begin
  };
  std::vector<Sum> sums;
  std::vector<std::int32_t> weights;
  std::size_t all_weights = 0;
  sums.reserve(static_cast<std::size_t>(part.wanted.count));
  for (Index column = part.wanted.first; column < part.wanted.end(); ++column) {
    sums.push_back({part.resampling.window(column), all_weights});
    all_weights += static_cast<std::size_t>(sums.back().reads.count);
  }
  weights.reserve(all_weights);
  for (Index column = part.wanted.first; column < part.wanted.end(); ++column) {
    part.resampling.append_weights(column, weights);
  }
  Image resized = Image::empty({rows.count, part.wanted.count, 3});
  std::uint8_t* target = resized.data();
  for (Index row = rows.first; row < rows.end(); ++row) {
    for (const Sum& sum : sums) {
      std::int32_t red = half_level;
      std::int32_t green = half_level;
      std::int32_t blue = half_level;
      const std::uint8_t* pixel = &image(row, sum.reads.first - part.origin, 0);
      const std::int32_t* weight = weights.data() + sum.weights;
      for (Index i = 0; i < sum.reads.count; ++i) {
        red += weight[i] * pixel[0];
        green += weight[i] * pixel[1];
        blue += weight[i] * pixel[2];
        pixel += 3;
      }
      *target++ = clipped_pixel(red);
      *target++ = clipped_pixel(green);
      *target++ = clipped_pixel(blue);
    }
  }
  return resized;
}

/// Columns `columns` of the image, with the wanted rows: [H, W, 3] -> [wanted.count, columns.count,
/// 3].
inline Image resize_rows(const Image& image, const Window& columns, AxisPart part) {
  std::vector<std::int32_t> weights;  // of one row at a time: a high image has many
  std::vector<std::int32_t> sums(static_cast<std::size_t>(columns.count * 3));
  Image resized = Image::empty({part.wanted.count, columns.count, 3});
  std::uint8_t* target = resized.data();
  for (Index row = part.wanted.first; row < part.wanted.end(); ++row) {
    weights.clear();
    part.resampling.append_weights(row, weights);
    std::fill(sums.begin(), sums.end(), half_level);
    Index source_row = part.resampling.window(row).first - part.origin;
    for (const std::int32_t weight : weights) {
      const std::uint8_t* source = &image(source_row++, columns.first, 0);
      for (std::int32_t& sum : sums) sum += weight * *source++;
    }
    target = std::transform(sums.begin(), sums.end(), target, clipped_pixel);
  }
  return resized;
}

/// resize_part, its arguments checked.
inline Image resized_part(const Image& image, const Size& size, const ImageBox& box, Filter filter,
                          PassOrder order) {
  const auto [height, width] = size_of(image);
  const Window rows{box.top, box.height};
  const Window columns{box.left, box.width};
  const AxisPart down{Resampling(height, size.height, filter), rows};
  const AxisPart across{Resampling(width, size.width, filter), columns};
  if (size.height == height && size.width == width) return crop(image, box);
  if (size.width == width) return resize_rows(image, columns, down);
  if (size.height == height) return resize_columns(image, rows, across);
  const Index lost_rows = height - size.height;
  if (order == PassOrder::pillow_13 && lost_rows > 0 && lost_rows > 2 * (width - size.width)) {
    const Window reads = across.resampling.reach(columns);
    const Image between = resize_rows(image, reads, down);
    return resize_columns(between, {0, box.height}, {across.resampling, columns, reads.first});
  }
  const Window reads = down.resampling.reach(rows);
  const Image between = resize_columns(image, reads, across);
  return resize_rows(between, {0, box.width}, {down.resampling, rows, reads.first});
}

inline void require_result(const Image& image, const Size& size, Index most, std::string_view op) {
  if (size.height > most / size.width) {
    refuse(op, "image of ", size_of(image), " pixels would become ", size,
           ", more than the limit of ", most, " pixels");
  }
}

}  // namespace detail

/// Of an image that only a part is made of. Pillow, which makes it all, takes 4 GiB for so many.
inline constexpr Index max_whole_pixels = Index{1} << 30;

/// The part `box` of resize(image, size, filter, order), the same bits, without making the rest:
/// beside the part it takes no more memory than the image does. Throws std::invalid_argument on an
/// empty image or size, on a box that leaves it, and on a size of more than max_whole_pixels.
inline Image resize_part(const Image& image, const Size& size, const ImageBox& box, Filter filter,
                         PassOrder order = PassOrder::pillow_13) {
  detail::require_image(image, "resize_part");
  detail::require_size(size, "resize_part");
  detail::require_result(image, size, max_whole_pixels, "resize_part");
  if (!detail::lies_within(box, size)) {
    refuse("resize_part", "box of ", Size{box.height, box.width}, " at row ", box.top, ", column ",
           box.left, " does not lie in ", size);
  }
  return detail::resized_part(image, size, box, filter, order);
}

/// image [H, W, 3] -> [size.height, size.width, 3], the same bits as Pillow's Image.resize: 8-bit
/// fixed point, one pass per axis that changes, with antialias when shrinking. Throws
/// std::invalid_argument on an empty image or size, and on one of more than default_max_pixels.
inline Image resize(const Image& image, const Size& size, Filter filter,
                    PassOrder order = PassOrder::pillow_13) {
  detail::require_image(image, "resize");
  detail::require_size(size, "resize");
  detail::require_result(image, size, default_max_pixels, "resize");
  return detail::resized_part(image, size, {0, 0, size.height, size.width}, filter, order);
}

/// The size whose shorter side is `length` in the proportion of `size`, the longer side rounded
/// down as torchvision's Resize(length) does.
inline Size with_shorter_side(const Size& size, Index length) {
  const auto [height, width] = size;
  if (height <= width) return {length, length * width / height};
  return {length * height / width, length};
}

/// The shorter side becomes `length`, the longer one keeps the proportion (see with_shorter_side).
inline Image resize_shorter_side(const Image& image, Index length, Filter filter) {
  detail::require_image(image, "resize_shorter_side");
  if (length <= 0) refuse("resize_shorter_side", "length ", length, " is not positive");
  return resize(image, with_shorter_side(size_of(image), length), filter);
}

}  // namespace tessera::io
