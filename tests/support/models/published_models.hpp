#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "support/parity_table.hpp"
#include "tessera/masking/token_index.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::test {

// The tiny models whose values were computed with the published code of MAE (facebookresearch/mae)
// and I-JEPA (facebookresearch/ijepa), run in double. Weights and images come from a formula, so
// nothing has to be stored.

/// Element j of tensor k: a hash of both in [-scale, scale).
inline double filler(std::uint32_t j, std::uint32_t k, double scale) {
  std::uint32_t s = j * 2654435761U + k * 2246822519U + 3266489917U;
  s ^= s >> 15;
  s *= 2246822519U;
  s ^= s >> 13;
  s *= 3266489917U;
  s ^= s >> 16;
  return scale * (s / 2147483648.0 - 1);
}

template <class Scalar>
Tensor<Scalar, 4> published_images() {
  auto images = Tensor<Scalar, 4>::empty({2, 3, 16, 16});
  for (Index j = 0; j < images.size(); ++j) {
    images.data()[j] = static_cast<Scalar>(filler(static_cast<std::uint32_t>(j), 1000, 1.5));
  }
  return images;
}

/// Fills a model. `published_name` gives a parameter's name in the published code, "" for one that
/// is unknown there; tensors are numbered from `offset` in the order of those names. Returns their
/// number.
template <Module Model, class PublishedName>
std::size_t fill_as_published(Model& model, std::uint32_t offset,
                              const PublishedName& published_name) {
  using Scalar = typename Model::scalar_type;
  const auto name_of = [&](const std::string& name) {
    return name.ends_with("pos_embed") ? std::string() : published_name(name);
  };
  std::set<std::string> names;
  for (const auto& parameter : named_parameters(model)) names.insert(name_of(parameter.name));
  names.erase("");
  for (const auto& parameter : named_parameters(model)) {
    const std::string name = name_of(parameter.name);
    if (name.empty()) continue;
    const auto k =
        offset + static_cast<std::uint32_t>(std::distance(names.begin(), names.find(name)));
    const bool is_scale = name.find("norm") != std::string::npos && name.ends_with(".weight");
    for (std::size_t j = 0; j < parameter.values.size(); ++j) {
      parameter.values[j] =
          static_cast<Scalar>(filler(static_cast<std::uint32_t>(j), k, 0.3) + (is_scale ? 1 : 0));
    }
  }
  return names.size();
}

/// `name` with its beginning `from`, if it has that, replaced by `to`.
inline std::string with_prefix(std::string_view name, std::string_view from, std::string_view to) {
  if (!name.starts_with(from)) return std::string(name);
  return std::string(to) + std::string(name.substr(from.size()));
}

/// "" if `actual` is the published value, within 1e-9 of it in double and 1e-4 in float. For an
/// element of a tensor, float is measured by the tensor's largest value.
template <class Scalar>
std::string golden_mismatch(const std::string& source, const std::string& quantity, double actual,
                            double published, double largest = 0) {
  const double scale =
      std::is_same_v<Scalar, float> ? std::max(std::abs(published), largest) : std::abs(published);
  const double difference = std::abs(actual - published) / scale;
  ParityTable::instance().add<Scalar>(source, quantity, difference);
  const double allowed = std::is_same_v<Scalar, float> ? 1e-4 : 1e-9;
  if (difference <= allowed) return "";
  return concat(source, ", ", quantity, ": ", actual, " instead of ", published, ", apart by ",
                difference, " of it");
}

template <class Values>
double largest_of(const Values& values) {
  double largest = 0;
  for (const auto value : values) largest = std::max<double>(largest, std::abs(value));
  return largest;
}

template <class Values>
double sum_of_squares(const Values& values) {
  double sum = 0;
  for (const auto value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

}  // namespace tessera::test
