#pragma once

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "tessera/data/augment/crop.hpp"
#include "tessera/data/image_names.hpp"
#include "tessera/io/image/read.hpp"

namespace example {

using tessera::Index;
using tessera::io::Image;

/// Photos cut in two: models learn from the left of each and are judged by the right.
struct Photos {
  std::vector<Image> whole;
  std::vector<Image> training;
  std::vector<Image> held_out;
};

/// All PNG, JPEG and WebP files of a folder, cut at 60 % of their width. Throws std::runtime_error
/// if there is none.
inline Photos load_photos(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (tessera::data::detail::is_image_name(entry.path().filename().string())) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) throw std::runtime_error(folder.string() + ": holds no PNG, JPEG or WebP");
  Photos photos;
  for (const auto& file : files) {
    const Image photo = tessera::io::read_image(file);
    const Index cut = photo.dim(1) * 6 / 10;
    photos.training.push_back(tessera::io::crop(photo, {0, 0, photo.dim(0), cut}));
    photos.held_out.push_back(tessera::io::crop(photo, {0, cut, photo.dim(0), photo.dim(1) - cut}));
    photos.whole.push_back(photo);
  }
  return photos;
}

/// Random parts of random photos, some flipped, all resized to side x side.
inline std::vector<Image> random_crops(const std::vector<Image>& photos, Index count, Index side,
                                       const tessera::data::CropRange& range,
                                       tessera::Generator& generator) {
  std::vector<Image> crops;
  for (Index i = 0; i < count; ++i) {
    const Index photo = generator.randint(0, static_cast<Index>(photos.size()));
    crops.push_back(tessera::data::random_flip(
        tessera::data::random_resized_crop(photos[static_cast<std::size_t>(photo)], {side, side},
                                           range, generator),
        generator));
  }
  return crops;
}

}  // namespace example
