#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/inspect/probe.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io {

namespace detail {

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

inline std::string numbers_text(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + number_text(value);
  return text;
}

/// Compares the record of a self-test with the outputs of a model.
class SelfTestComparison {
 public:
  explicit SelfTestComparison(const Checkpoint& file) : file_(file) {}

  /// The largest difference of projections, relative to the largest of the same output.
  double largest_difference() const { return largest_; }

  void check_values(std::string_view key, const ProbeHashes& found) const {
    const std::string text = metadata_text(file_.source.metadata(), key);
    if (text.size() != 33) refuse("its sums of the parameters cannot be read");
    const std::string_view same = found.is_double ? text : std::string_view(text).substr(0, 16);
    const std::string all = found.floats + " " + found.doubles;
    if (!all.starts_with(same)) refuse("the parameters are not those that were saved");
  }

  void check_outputs(std::string_view key, const std::vector<double>& found) {
    const std::string text = metadata_text(file_.source.metadata(), key);
    const char* next = text.data();
    const char* const end = next + text.size();
    std::vector<double> expected;
    while (next != end) {
      double value = 0;
      const auto parsed = std::from_chars(next, end, value);
      if (parsed.ec != std::errc() || !std::isfinite(value)) refuse("its output cannot be read");
      expected.push_back(value);
      next = parsed.ptr == end ? end : parsed.ptr + 1;
    }
    if (expected.size() != found.size()) {
      refuse(concat("its output has ", expected.size(), " values, not ", found.size()));
    }
    for (std::size_t begin = 0; begin < found.size(); begin += Probe::projections) {
      compare(std::span(expected).subspan(begin, Probe::projections),
              std::span(found).subspan(begin, Probe::projections));
    }
    if (!(largest_ <= 1e-4)) {
      refuse(concat("the outputs differ by ", largest_, " of the largest value"));
    }
  }

  [[noreturn]] void refuse(std::string_view reason) const {
    refuse_file(file_.source.label(), "self-test: ", reason);
  }

 private:
  void compare(std::span<const double> expected, std::span<const double> found) {
    double largest = 0;
    double apart = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      const double difference = std::abs(found[i] - expected[i]);
      apart = std::isfinite(difference) ? std::max(apart, difference) : HUGE_VAL;
    }
    if (apart > 0) largest_ = std::max(largest_, apart / largest);
  }

  const Checkpoint& file_;
  double largest_ = 0;
};

}  // namespace detail

/// The outputs of a model for a fixed input, and sums of its parameters, as metadata for its file:
/// save_weights(path, model, {.dtype = dtype, .metadata = self_test(model, dtype)}). Costs a few
/// forward passes of one image.
template <Module Model>
TensorMetadata self_test(const Model& model, std::optional<Dtype> dtype = std::nullopt) {
  const bool narrower = dtype && *dtype != dtype_of<typename Model::scalar_type>();
  if (narrower) return self_test(detail::stored_as(model, *dtype));
  const detail::Probe probe(model);
  return {{"tessera.self_test.input", probe.input_hash()},
          {"tessera.self_test.parameters", probe.parameters().text()},
          {"tessera.self_test.output", detail::numbers_text(probe.outputs())},
          {"tessera.self_test.mask_token", probe.mask_tokens().text()},
          {"tessera.self_test.masked_output", detail::numbers_text(probe.masked_outputs())}};
}

inline bool has_self_test(const Checkpoint& file) {
  return file.source.metadata().contains("tessera.self_test.output");
}

/// Runs the self-test of a file on the model loaded from it and returns the largest difference,
/// relative to the largest value of an output. Throws std::runtime_error naming the file if it has
/// none, if a parameter is not to the bit the one that was saved (rounded to float, of a float
/// model), or if the outputs differ by more than 1e-4. An encoder's mask token is part of it only
/// where the file has one.
template <Module Model>
double verify(const Checkpoint& file, const Model& model) {
  if (!has_self_test(file)) refuse_file(file.source.label(), "has no self-test");
  detail::SelfTestComparison comparison(file);
  const detail::Probe probe(model);
  detail::check_settings(file, read_facts(file), detail::hyperparameters_of(model),
                         detail::ModelNames<Model>::kind, false);
  const TensorMetadata& metadata = file.source.metadata();
  if (metadata_text(metadata, "tessera.self_test.input") != probe.input_hash()) {
    comparison.refuse("is of another kind of model, or of another image size");
  }
  comparison.check_values("tessera.self_test.parameters", probe.parameters());
  comparison.check_outputs("tessera.self_test.output", probe.outputs());
  if (metadata.contains("tessera.self_test.mask_token") && file.contains("encoder.mask_token")) {
    comparison.check_values("tessera.self_test.mask_token", probe.mask_tokens());
    comparison.check_outputs("tessera.self_test.masked_output", probe.masked_outputs());
  }
  return comparison.largest_difference();
}

}  // namespace tessera::io
