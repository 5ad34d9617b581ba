#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/data/gzip.hpp"
#include "tessera/data/image_source.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"

namespace tessera::data {

namespace detail {

/// A file of bytes in MNIST's IDX format: two zero bytes, 8 for "unsigned byte", the rank, then
/// each size as a 32-bit number (most significant byte first), then the values, the last index
/// fastest.
struct IdxFile {
  std::vector<Index> shape;
  std::vector<std::byte> contents;  // header included

  std::span<const std::byte> values() const {
    return contents.empty() ? std::span<const std::byte>()
                            : std::span(contents).subspan(4 + 4 * shape.size());
  }

  /// The file may be packed by gzip. Throws what parse throws.
  static IdxFile read(const std::filesystem::path& path, std::size_t rank) {
    return parse(io::read_file(path, most_bytes), path.string(), rank);
  }

  /// The bytes of such a file, packed by gzip or not. Throws std::runtime_error "file: reason"
  /// unless they have `rank` sizes, all positive, and just as many values as the sizes say.
  static IdxFile parse(std::vector<std::byte> bytes, const std::string& file, std::size_t rank) {
    IdxFile idx;
    const std::size_t header = 4 + 4 * rank;
    if (is_gzip(bytes)) {
      // The header comes first, so that a small file cannot unpack to more than it says.
      const std::vector<std::byte> start = gunzip_start(bytes, file, header);
      idx.shape = parse_shape(start, file, rank);
      idx.contents = gunzip(bytes, file, header + idx.count());
    } else {
      idx.shape = parse_shape(bytes, file, rank);
      idx.contents = std::move(bytes);
    }
    const std::size_t held = idx.contents.size() - header;
    if (idx.count() != held) {
      io::refuse_file(file, "holds ", held, " values, but its header says ", idx.count());
    }
    return idx;
  }

  /// Of the values, as the shape says.
  std::size_t count() const {
    std::size_t product = 1;
    for (const Index size : shape) product *= static_cast<std::size_t>(size);
    return product;
  }

 private:
  static std::vector<Index> parse_shape(std::span<const std::byte> bytes, const std::string& file,
                                        std::size_t rank) {
    const auto byte = [&](std::size_t at) { return std::to_integer<std::uint32_t>(bytes[at]); };
    if (bytes.size() < 4 + 4 * rank || byte(0) != 0 || byte(1) != 0) {
      io::refuse_file(file, "is no IDX file");
    }
    if (byte(2) != 8) {
      io::refuse_file(file, "holds values of IDX type ", byte(2), ", not bytes (8)");
    }
    if (byte(3) != rank) io::refuse_file(file, "has ", byte(3), " dimensions, not ", rank);
    std::vector<Index> shape;
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < rank; ++i) {
      const std::size_t at = 4 + 4 * i;
      const std::uint32_t size =
          byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
      if (size == 0) io::refuse_file(file, "dimension ", i, " is empty");
      shape.push_back(static_cast<Index>(size));
      if (size > most_bytes / count) {
        io::refuse_file(file, "has more than ", most_bytes, " values by its header");
      }
      count *= size;
    }
    return shape;
  }

  /// Eight times the images of the largest set in this format (EMNIST's 814,255).
  static constexpr std::uint64_t most_bytes = std::uint64_t{8} * 814'255 * 28 * 28;
};

}  // namespace detail

/// Gray pictures of one size, and their labels, in MNIST's IDX format, packed by gzip or not:
/// MNIST, Fashion-MNIST, EMNIST, KMNIST. Each picture has its gray three times, as red, green and
/// blue.
class IdxSource final : public ImageSource {
 public:
  /// `images` is [N, height, width], `labels` [N], from 0 on. Throws std::runtime_error "file:
  /// reason" if a file is not such, or they do not have the same N.
  IdxSource(const std::filesystem::path& images, const std::filesystem::path& labels)
      : IdxSource(images) {
    labels_ = detail::IdxFile::read(labels, 1);
    if (labels_.shape[0] != size()) {
      io::refuse_file(labels.string(), "has ", labels_.shape[0], " labels for the ", size(),
                      " pictures of ", images.string());
    }
    Index largest = 0;
    for (Index i = 0; i < size(); ++i) largest = std::max(largest, label(i));
    for (Index i = 0; i <= largest; ++i) classes_.push_back(std::to_string(i));
    fingerprint_.names = hash_bytes(labels_.values(), fingerprint_.names);
  }

  /// Without labels.
  explicit IdxSource(const std::filesystem::path& images)
      : images_(detail::IdxFile::read(images, 3)) {
    if (images_.shape[1] * images_.shape[2] > io::default_max_pixels) {
      io::refuse_file(images.string(), "has pictures of ", Size{images_.shape[1], images_.shape[2]},
                      ", more than ", io::default_max_pixels, " pixels");
    }
    fingerprint_.count = size();
    fingerprint_.names = hash_of({static_cast<std::uint64_t>(images_.shape[1]),
                                  static_cast<std::uint64_t>(images_.shape[2])});
    fingerprint_.bytes = images_.values().size();
    fingerprint_.names = hash_bytes(images_.values(), fingerprint_.names);
  }

  Index size() const override { return images_.shape[0]; }

  io::Image image(Index index) const override {
    const Index height = images_.shape[1];
    const Index width = images_.shape[2];
    io::Image image = io::Image::empty({height, width, 3});
    const std::byte* gray = images_.values().data() + index * height * width;
    for (Index pixel = 0; pixel < height * width; ++pixel) {
      std::fill_n(image.data() + 3 * pixel, 3, std::to_integer<std::uint8_t>(gray[pixel]));
    }
    return image;
  }

  Index label(Index index) const override {
    if (labels_.values().empty()) return no_label;
    return std::to_integer<Index>(labels_.values()[static_cast<std::size_t>(index)]);
  }
  /// "picture 3".
  std::string name(Index index) const override { return "picture " + std::to_string(index); }
  /// The labels as texts: "0", "1", ...
  const std::vector<std::string>& classes() const override { return classes_; }
  const Fingerprint& fingerprint() const override { return fingerprint_; }

 private:
  static std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t hash) {
    return hash_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, hash);
  }

  detail::IdxFile images_;
  detail::IdxFile labels_;
  std::vector<std::string> classes_;
  Fingerprint fingerprint_;
};

}  // namespace tessera::data
