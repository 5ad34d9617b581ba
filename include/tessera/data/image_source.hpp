#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tessera/core/shape.hpp"
#include "tessera/data/fingerprint.hpp"
#include "tessera/io/image/image.hpp"
#include "tessera/io/image/read.hpp"

namespace tessera::data {

/// The label of a sample that has none.
inline constexpr Index no_label = -1;

/// The bytes of a sample are there, but are no picture. Other errors, of a disk or a network, are
/// not of this type: a loader that replaces broken samples must not replace what is only out of
/// reach.
class BrokenImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

/// io::decode_image whose errors are BrokenImageError.
inline io::Image decoded_or_broken(std::span<const std::byte> bytes, const std::string& label) {
  try {
    return io::decode_image(bytes, label);
  } catch (const std::runtime_error& error) {
    throw BrokenImageError(error.what());
  }
}

}  // namespace detail

/// Pictures by number. A source is fixed once it is made: sample i is the same picture whenever it
/// is asked for, from whatever thread, so that a batch can be a function of its place in a run.
///
/// Derive from it for data of your own; all members may be called by several threads at once.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  virtual Index size() const = 0;

  /// [height, width, 3] of sample `index` in [0, size()). Throws BrokenImageError "file: reason" if
  /// it cannot be decoded, and std::runtime_error if it cannot be read.
  virtual io::Image image(Index index) const = 0;

  /// Number of its class in classes(), or no_label.
  virtual Index label(Index index) const = 0;

  /// A name for messages and logs, different for each sample: a path or a key.
  virtual std::string name(Index index) const = 0;

  /// Names of the classes, by label; empty if the samples have no labels.
  virtual const std::vector<std::string>& classes() const = 0;

  virtual const Fingerprint& fingerprint() const = 0;

 protected:
  ImageSource() = default;
  ImageSource(const ImageSource&) = default;
  ImageSource(ImageSource&&) = default;
  ImageSource& operator=(const ImageSource&) = default;
  ImageSource& operator=(ImageSource&&) = default;
};

}  // namespace tessera::data
