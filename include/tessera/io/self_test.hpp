#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/generator.hpp"
#include "tessera/io/json_text.hpp"
#include "tessera/io/load_weights.hpp"
#include "tessera/io/save_weights.hpp"

namespace tessera::io {

namespace detail {

/// The same numbers in [-1, 1) on every machine.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> probe_input(const Shape<Rank>& shape) {
  Generator generator(20);
  auto input = Tensor<Scalar, Rank>::empty(shape);
  for (Scalar& value : input) value = static_cast<Scalar>(generator.uniform<float>() * 2 - 1);
  return input;
}

/// FNV-1a over the values as float.
template <class Scalar, int Rank>
std::string probe_hash(const Tensor<Scalar, Rank>& input) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const Scalar value : input) {
    const auto number = static_cast<float>(value);
    std::array<std::uint8_t, sizeof(number)> bytes;
    std::memcpy(bytes.data(), &number, sizeof(number));
    for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
  }
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4) text[i] = "0123456789abcdef"[hash & 15];
  return text;
}

/// Every second patch of one image: the even ones, then the odd ones.
inline std::pair<TokenIndex, TokenIndex> probe_masks(Index prefix, Index patches) {
  TokenIndex even({1, (patches + 1) / 2});
  TokenIndex odd({1, patches / 2});
  for (Index i = 0; i < patches; ++i) (i % 2 ? odd : even)(0, i / 2) = prefix + i;
  return {std::move(even), std::move(odd)};
}

struct ProbeResult {
  std::string input_hash;
  std::vector<double> values;
};

/// What a model makes of the probe, through every one of its layers.
template <class Model>
ProbeResult run_probe(const Model& model) {
  using Scalar = typename Model::scalar_type;
  ProbeResult result;
  const auto collect = [&](const auto& output) {
    for (const Scalar value : output.value()) result.values.push_back(static_cast<double>(value));
  };
  const auto probe = [&]<std::size_t Rank>(const std::array<Index, Rank>& shape) {
    auto input = probe_input<Scalar, static_cast<int>(Rank)>(shape);
    result.input_hash = probe_hash(input);
    return Var<Scalar, static_cast<int>(Rank)>(std::move(input));
  };
  constexpr ModelKind kind = ModelNames<Model>::kind;
  static_assert(kind != ModelKind::other, "a self-test is for Tessera's models");
  if constexpr (kind == ModelKind::decoder) {
    collect(model.forward(probe(Shape<3>{1, model.sequence_length(), model.config.embed_dim})));
    return result;
  } else {
    const auto& encoder = *encoder_of(model);
    const MaskedVisionTransformerConfig& config = encoder.config;
    const auto images =
        probe(Shape<4>{1, config.in_chans, config.image_size.height, config.image_size.width});
    if constexpr (kind == ModelKind::encoder) {
      collect(encoder.encode(images));
    } else {
      auto [keep, mask] = probe_masks(encoder.num_prefix_tokens(), encoder.grid().count());
      if constexpr (kind == ModelKind::mae) {
        collect(model.forward(images, keep, mask));
      } else {
        const std::array<TokenIndex, 1> context{std::move(keep)};
        const std::array<TokenIndex, 1> target{std::move(mask)};
        collect(model.forward_context(images, context, target));
        collect(model.forward_target(images, context, target));
      }
    }
    return result;
  }
}

/// Some values of an output, from the first to the last.
inline std::vector<double> sampled(const std::vector<double>& values) {
  constexpr std::size_t wanted = 32;
  const std::size_t count = std::min(wanted, values.size());
  std::vector<double> some;
  for (std::size_t i = 0; i < count; ++i) {
    some.push_back(values[count == 1 ? 0 : i * (values.size() - 1) / (count - 1)]);
  }
  return some;
}

/// A model whose parameters have been stored as `dtype` and read again.
template <class Model>
Model stored_as(Model model, Dtype dtype) {
  std::array<std::byte, 8> bytes;
  for (const auto& parameter : named_parameters(model)) {
    for (auto& value : parameter.values) {
      (void)encode_values(std::span<const typename Model::scalar_type>(&value, 1), dtype,
                          bytes.data());
      (void)decode_values(dtype, bytes.data(), std::span(&value, 1));
    }
  }
  return model;
}

}  // namespace detail

/// What a model computes from a fixed input, as metadata for its file: save_weights(path, model,
/// {.dtype = dtype, .metadata = self_test(model, dtype)}). Costs one forward pass of one image.
template <Module Model>
SafetensorsMetadata self_test(const Model& model, std::optional<Dtype> dtype = std::nullopt) {
  const bool narrower = dtype && *dtype != dtype_of<typename Model::scalar_type>();
  const detail::ProbeResult probe =
      narrower ? detail::run_probe(detail::stored_as(model, *dtype)) : detail::run_probe(model);
  std::string values;
  for (const double value : detail::sampled(probe.values)) {
    values += (values.empty() ? "" : " ") + number_text(value);
  }
  return {{"tessera.self_test.input", probe.input_hash}, {"tessera.self_test.output", values}};
}

inline bool has_self_test(const Checkpoint& file) {
  return file.source.metadata().contains("tessera.self_test.output");
}

/// Runs the self-test of a file on the model loaded from it and returns the largest difference,
/// relative to the largest value. Throws std::runtime_error naming the file if it has none, or if
/// the difference is above 1e-4: the weights are not those that were saved, or not all.
template <Module Model>
double verify(const Checkpoint& file, const Model& model) {
  const std::string& label = file.source.label();
  if (!has_self_test(file)) detail::fail(label, "has no self-test");
  const detail::ProbeResult probe = detail::run_probe(model);
  if (detail::metadata_text(file, "tessera.self_test.input") != probe.input_hash) {
    detail::fail(label, "self-test: is of another kind of model, or of another image size");
  }
  const std::string text = detail::metadata_text(file, "tessera.self_test.output");
  const char* next = text.data();
  const char* const end = next + text.size();
  double largest = 0;
  double apart = 0;
  for (const double found : detail::sampled(probe.values)) {
    double expected = 0;
    const auto parsed = std::from_chars(next, end, expected);
    if (parsed.ec != std::errc()) detail::fail(label, "self-test: its output cannot be read");
    next = parsed.ptr == end ? end : parsed.ptr + 1;
    largest = std::max(largest, std::abs(expected));
    const double difference = std::abs(found - expected);
    apart = std::isfinite(difference) ? std::max(apart, difference) : HUGE_VAL;
  }
  if (next != end) detail::fail(label, "self-test: its output has too many values");
  const double relative = apart == 0 ? 0 : apart / largest;
  if (!(relative <= 1e-4)) {
    detail::fail(label, "self-test: the outputs differ by ", relative, " of the largest value");
  }
  return relative;
}

}  // namespace tessera::io
