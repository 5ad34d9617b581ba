#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/data/image_source.hpp"
#include "tessera/io/image/resize.hpp"

namespace tessera::data {

/// Decoded pictures in memory: for data sets so small, or models so fast, that decoding every
/// picture in every epoch would be a large part of the work.
class MemorySource final : public ImageSource {
 public:
  struct Sample {
    io::Image image;  ///< [height, width, 3]
    Index label = no_label;
    std::string name = {};  ///< "sample 3" if empty
  };

  /// Throws std::invalid_argument if there is no sample, a picture is empty, or a label is neither
  /// no_label nor the number of a class.
  explicit MemorySource(std::vector<Sample> samples, std::vector<std::string> classes = {})
      : samples_(std::move(samples)), classes_(std::move(classes)) {
    if (samples_.empty()) refuse("MemorySource", "no samples");
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      Sample& sample = samples_[i];
      if (sample.image.size() == 0 || sample.image.dim(2) != 3) {
        refuse("MemorySource", "sample ", i, " has shape ", sample.image.shape(),
               ", but [height, width, 3] is needed, not empty");
      }
      const auto class_count = static_cast<Index>(classes_.size());
      if (sample.label != no_label && (sample.label < 0 || sample.label >= class_count)) {
        refuse("MemorySource", "sample ", i, " has label ", sample.label, ", but there are ",
               class_count, " classes");
      }
      if (sample.name.empty()) sample.name = "sample " + std::to_string(i);
      fingerprint_.add(sample.name, static_cast<std::uint64_t>(sample.image.size()), sample.label);
      fingerprint_.names =
          hash_of({fingerprint_.names, static_cast<std::uint64_t>(sample.image.dim(0)),
                   static_cast<std::uint64_t>(sample.image.dim(1))});
      const auto* pixels = reinterpret_cast<const char*>(sample.image.data());
      fingerprint_.names =
          hash_text({pixels, static_cast<std::size_t>(sample.image.size())}, fingerprint_.names);
    }
  }

  Index size() const override { return static_cast<Index>(samples_.size()); }
  io::Image image(Index index) const override { return at(index).image; }
  Index label(Index index) const override { return at(index).label; }
  std::string name(Index index) const override { return at(index).name; }
  const std::vector<std::string>& classes() const override { return classes_; }
  const Fingerprint& fingerprint() const override { return fingerprint_; }

 private:
  const Sample& at(Index index) const { return samples_[static_cast<std::size_t>(index)]; }

  std::vector<Sample> samples_;
  std::vector<std::string> classes_;
  Fingerprint fingerprint_;
};

/// Every picture of `source`, decoded once. Those whose shorter side is longer than `shorter_side`
/// are made smaller to it first (bicubic); 0 keeps all pixels. Takes size() x height x width x 3
/// bytes. Throws what source.image throws.
inline MemorySource decoded(const ImageSource& source, Index shorter_side = 0) {
  if (shorter_side < 0) refuse("decoded", "shorter_side = ", shorter_side, " is negative");
  std::vector<MemorySource::Sample> samples;
  samples.reserve(static_cast<std::size_t>(source.size()));
  for (Index i = 0; i < source.size(); ++i) {
    io::Image image = source.image(i);
    const Index side = std::min(image.dim(0), image.dim(1));
    if (shorter_side > 0 && side > shorter_side) {
      image = io::resize_shorter_side(image, shorter_side, io::Filter::bicubic);
    }
    samples.push_back({std::move(image), source.label(i), source.name(i)});
  }
  return MemorySource(std::move(samples), source.classes());
}

}  // namespace tessera::data
