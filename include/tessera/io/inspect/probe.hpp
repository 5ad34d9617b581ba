#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/random/generator.hpp"
#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/text/hex.hpp"

namespace tessera::io::detail {

/// Sum over numbers by which any one that differs is found, and any two are but by accident.
class NumberHash {
 public:
  template <class Number>
  void add(Number value) {
    using Bits = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
    hash_ = (hash_ ^ std::bit_cast<Bits>(value)) * 0x9E3779B97F4A7C15U;
    hash_ ^= hash_ >> 32;
  }

  std::string text() const { return hex(hash_, 16); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

/// Of parameters as float and as double: a model of either can be compared with one of the other.
struct ProbeHashes {
  std::string floats;
  std::string doubles;
  bool is_double = false;  ///< the model can tell doubles

  std::string text() const { return floats + " " + doubles; }
};

/// Numbers in [-1, 1), equal on every machine.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> probe_input(const Shape<Rank>& shape) {
  Generator generator(20);
  auto input = Tensor<Scalar, Rank>::empty(shape);
  for (Scalar& value : input) value = static_cast<Scalar>(generator.uniform<float>() * 2 - 1);
  return input;
}

template <class Values>
std::string probe_hash(const Values& values) {
  NumberHash hash;
  for (const auto value : values) hash.add(static_cast<float>(value));
  return hash.text();
}

/// The outputs of a model for a fixed input, along every path through it, and sums of its
/// parameters.
class Probe {
 public:
  /// Each output is seen along so many directions, of signs that a generator draws: a change of any
  /// value shows in all of them.
  static constexpr std::size_t projections = 8;

  template <class Model>
  explicit Probe(const Model& model) {
    constexpr ModelKind kind = ModelNames<Model>::kind;
    static_assert(kind != ModelKind::other, "a self-test is for Tessera's models");
    hash_parameters(model);
    if constexpr (kind == ModelKind::decoder) {
      run_decoder(model);
    } else {
      run_encoders(model);
    }
  }

  const std::string& input_hash() const { return input_hash_; }
  /// Of all parameters but encoders' mask tokens, and of these.
  const ProbeHashes& parameters() const { return parameters_; }
  const ProbeHashes& mask_tokens() const { return mask_tokens_; }
  /// Projections of all outputs, and of those that encoders' mask tokens enter.
  const std::vector<double>& outputs() const { return outputs_; }
  const std::vector<double>& masked_outputs() const { return masked_outputs_; }

 private:
  /// All prefix tokens with every second patch, from the first on; and the other patches.
  static std::pair<TokenIndex, TokenIndex> halves(Index prefix, Index patches) {
    TokenIndex keep({1, prefix + (patches + 1) / 2});
    TokenIndex mask({1, patches / 2});
    for (Index i = 0; i < prefix; ++i) keep(0, i) = i;
    for (Index i = 0; i < patches; ++i) {
      if (i % 2 == 0) keep(0, prefix + i / 2) = prefix + i;
      if (i % 2 == 1) mask(0, i / 2) = prefix + i;
    }
    return {std::move(keep), std::move(mask)};
  }

  template <class Values>
  static void project(const Values& values, std::vector<double>& into) {
    Generator generator(21);
    std::array<double, projections> sums{};
    for (const auto value : values) {
      const std::uint32_t signs = generator.random32();
      for (std::size_t k = 0; k < projections; ++k) {
        sums[k] += (signs >> k & 1) != 0 ? static_cast<double>(value) : -static_cast<double>(value);
      }
    }
    const double scale = 1 / std::sqrt(static_cast<double>(std::max<Index>(values.size(), 1)));
    for (const double sum : sums) into.push_back(sum * scale);
  }

  template <class Model>
  void hash_parameters(const Model& model) {
    std::array<NumberHash, 4> hashes;
    for (const auto& parameter : named_parameters(model)) {
      const std::string name = concat(ModelNames<Model>::prefix, parameter.name);
      const std::size_t first = name.ends_with("encoder.mask_token") ? 2 : 0;
      for (const auto value : parameter.values) {
        hashes[first].add(static_cast<float>(value));
        hashes[first + 1].add(static_cast<double>(value));
      }
    }
    constexpr bool is_double = std::is_same_v<typename Model::scalar_type, double>;
    parameters_ = {hashes[0].text(), hashes[1].text(), is_double};
    mask_tokens_ = {hashes[2].text(), hashes[3].text(), is_double};
  }

  template <class Scalar, std::size_t Rank>
  auto input(const std::array<Index, Rank>& shape) {
    auto values = probe_input<Scalar, static_cast<int>(Rank)>(shape);
    input_hash_ = probe_hash(values);
    return Var<Scalar, static_cast<int>(Rank)>(std::move(values));
  }

  template <class Decoder>
  void run_decoder(const Decoder& decoder) {
    const auto tokens = input<typename Decoder::scalar_type>(
        Shape<3>{1, decoder.sequence_length(), decoder.config.embed_dim});
    const Index prefix = decoder.config.num_prefix_tokens;
    const auto [keep, mask] = halves(prefix, decoder.config.grid.count());
    project(decoder.forward(tokens).value(), outputs_);
    if (mask.size() > 0) project(decoder.forward(tokens, {.idx_mask = mask}).value(), outputs_);
  }

  template <class Encoder, class Images>
  void run_encoder(const Encoder& encoder, const Images& images) {
    const auto [keep, mask] = halves(encoder.num_prefix_tokens(), encoder.grid().count());
    project(encoder.encode(images).value(), outputs_);
    project(encoder.encode(images, {.idx_keep = keep}).value(), outputs_);
    if (encoder.config.global_pool == GlobalPool::avg || encoder.num_prefix_tokens() > 0) {
      project(encoder.forward(images).value(), outputs_);
    }
    if (mask.size() == 0) return;
    project(encoder.encode(images, {.idx_mask = mask}).value(), masked_outputs_);
  }

  template <class Model>
  void run_encoders(const Model& model) {
    const auto& encoder = *encoder_of(model);
    const MaskedVisionTransformerConfig& config = encoder.config;
    const auto images = input<typename Model::scalar_type>(
        Shape<4>{1, config.in_chans, config.image_size.height, config.image_size.width});
    run_encoder(encoder, images);
    auto [keep, mask] = halves(encoder.num_prefix_tokens(), encoder.grid().count());
    if (mask.size() == 0) return;
    if constexpr (ModelNames<Model>::kind == ModelKind::mae) {
      project(model.forward(images, keep, mask).value(), outputs_);
    } else if constexpr (ModelNames<Model>::kind == ModelKind::ijepa) {
      run_encoder(model.target_encoder, images);
      const std::array<TokenIndex, 1> context{std::move(keep)};
      const std::array<TokenIndex, 1> target{std::move(mask)};
      project(model.forward_context(images, context, target).value(), outputs_);
    }
  }

  std::string input_hash_;
  ProbeHashes parameters_;
  ProbeHashes mask_tokens_;
  std::vector<double> outputs_;
  std::vector<double> masked_outputs_;
};

}  // namespace tessera::io::detail
