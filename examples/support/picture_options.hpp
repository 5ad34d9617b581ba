#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "tessera/io/image/read.hpp"

namespace example {

/// Options of programs that read pictures. Unless they say otherwise, pictures are turned by EXIF,
/// and damage that Pillow passes over is a warning.
struct PictureFlags {
  explicit PictureFlags(CLI::App& app) {
    app.add_flag("--as-stored", as_stored, "do not turn pictures by their EXIF orientation");
    app.add_flag("--strict", strict, "refuse damaged pictures that Pillow reads");
    app.add_flag("--deep-gray", deep_gray,
                 "of gray with 16 bits keep the upper 8 of those in use, not of all");
  }

  tessera::io::ReadOptions options() const {
    using namespace tessera::io;
    return {.orientation = as_stored ? Orientation::as_stored : Orientation::upright,
            .strictness = strict ? Strictness::strict : Strictness::as_pillow,
            .deep_gray = deep_gray ? DeepGray::used_bits : DeepGray::upper_byte};
  }

  bool as_stored = false;
  bool strict = false;
  bool deep_gray = false;
};

/// read_image; warnings go to the standard error stream.
inline tessera::io::Image read_picture(const std::string& path,
                                       const tessera::io::ReadOptions& options) {
  std::vector<std::string> warnings;
  tessera::io::Image image = tessera::io::read_image(path, options, &warnings);
  for (const std::string& warning : warnings) {
    std::fprintf(stderr, "warning: %s: %s\n", path.c_str(), warning.c_str());
  }
  return image;
}

}  // namespace example
