#pragma once

#include <string>
#include <vector>

#include "tessera/core/shape.hpp"
#include "tessera/data/fingerprint.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::data {

/// The label of a sample that has none.
inline constexpr Index no_label = -1;

/// Pictures by number. A source is fixed once it is made: sample i is the same picture whenever it
/// is asked for, from whatever thread, so that a batch can be a function of its place in a run.
///
/// Derive from it for data of your own; all members may be called by several threads at once.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  virtual Index size() const = 0;

  /// [height, width, 3] of sample `index` in [0, size()). Throws std::runtime_error "file: reason"
  /// if it cannot be decoded.
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
