#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tessera/data/image_source.hpp"

namespace tessera::data::test {

/// `count` pictures of 12 x 10 made of their numbers. Before each is handed out, `before(index)` is
/// called, which may wait or throw.
class NumberSource final : public ImageSource {
 public:
  explicit NumberSource(Index count, std::function<void(Index)> before = {})
      : count_(count), before_(std::move(before)), classes_{"even", "odd"} {
    for (Index i = 0; i < count; ++i) fingerprint_.add(name(i), 1, label(i));
  }

  Index size() const override { return count_; }
  io::Image image(Index index) const override {
    if (before_) before_(index);
    io::Image image = io::Image::empty({12, 10, 3});
    for (Index i = 0; i < image.size(); ++i) {
      image.data()[i] = static_cast<std::uint8_t>(37 * index + 11 * i);
    }
    return image;
  }
  Index label(Index index) const override { return index % 2; }
  std::string name(Index index) const override { return "number " + std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const Fingerprint& fingerprint() const override { return fingerprint_; }

 private:
  Index count_;
  std::function<void(Index)> before_;
  std::vector<std::string> classes_;
  Fingerprint fingerprint_;
};

}  // namespace tessera::data::test
