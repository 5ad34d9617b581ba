#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/parity_table.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/masking/token_index.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::test {

/// Largest difference to a reference that passes, relative to the largest value of the tensor.
template <class Scalar>
inline constexpr double parity_tolerance = std::is_same_v<Scalar, float> ? 2e-5 : 1e-9;

/// Largest |actual - expected| over the largest |expected|; infinite if a value is not finite. A
/// tensor of zeros has no scale, so there every value must be exactly zero.
template <class Scalar>
double relative_difference(std::span<const Scalar> actual, std::span<const double> expected) {
  double largest = 0;
  double apart = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(expected[i]));
    apart = std::max(apart, difference);
  }
  return apart == 0 ? 0 : apart / largest;
}

/// A file of tests/golden, as tests/reference/README.md describes it. Comparisons return "" and
/// enter the difference in the parity table, or say what differs too much.
class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : name_(name),
        reader_(
            io::open_tensors(std::filesystem::path(TESSERA_GOLDEN_DIR) / (name + ".safetensors"))) {
  }

  const std::string& name() const { return name_; }
  bool contains(const std::string& tensor_name) const { return reader_.contains(tensor_name); }

  std::string text(const std::string& key) const {
    const auto found = reader_.metadata().find(key);
    if (found == reader_.metadata().end()) fail("no metadata " + key);
    return found->second;
  }
  double number(const std::string& key) const {
    const std::string value = text(key);
    double result = 0;
    const auto end = value.data() + value.size();
    if (std::from_chars(value.data(), end, result).ptr != end) fail(key + " is no number");
    return result;
  }
  Index integer(const std::string& key) const { return static_cast<Index>(number(key)); }
  bool flag(const std::string& key) const { return integer(key) != 0; }

  template <class Scalar, int Rank>
  Tensor<Scalar, Rank> tensor(const std::string& tensor_name) const {
    used_.insert(tensor_name);
    return reader_.read<Scalar, Rank>(tensor_name);
  }
  template <int Rank = 2>
  Tensor<Index, Rank> index(const std::string& tensor_name) const {
    return tensor<std::int64_t, Rank>(tensor_name).template cast<Index>();
  }
  TokenMask mask(const std::string& tensor_name) const { return tensor<bool, 2>(tensor_name); }

  /// <prefix>idx_mask, <prefix>idx_keep and <prefix>mask, as far as the file has them.
  TokenSelection selection(const std::string& prefix = "input.") const {
    TokenSelection selection;
    if (contains(prefix + "idx_mask")) selection.idx_mask = index(prefix + "idx_mask");
    if (contains(prefix + "idx_keep")) selection.idx_keep = index(prefix + "idx_keep");
    if (contains(prefix + "mask")) selection.mask = mask(prefix + "mask");
    return selection;
  }

  /// <prefix>.0, <prefix>.1, ...
  std::vector<TokenIndex> indices(const std::string& prefix, Index count) const {
    std::vector<TokenIndex> found;
    for (Index i = 0; i < count; ++i) found.push_back(index(prefix + "." + std::to_string(i)));
    return found;
  }

  /// Reads <prefix><name> into every parameter of a model. Throws unless each has a tensor of its
  /// shape, but for those in `absent`, and no tensor of this prefix is left over.
  template <Module Model>
  void load(Model& model, const std::set<std::string>& absent = {},
            const std::string& prefix = "param.") const {
    std::set<std::string> loaded;
    for (const auto& parameter : named_parameters(model)) {
      const std::string key = prefix + parameter.name;
      if (contains(key) == absent.contains(parameter.name)) fail(key + " is missing or unexpected");
      if (!contains(key)) continue;
      reader_.read_into(key, parameter.shape, parameter.values);
      loaded.insert(key);
      used_.insert(key);
    }
    for (const std::string& key : names(prefix)) {
      if (!loaded.contains(key)) fail(key + " belongs to no parameter of the model");
    }
  }

  template <class Scalar, int Rank>
  std::string mismatch(const std::string& tensor_name, const Tensor<Scalar, Rank>& actual,
                       double tolerance = parity_tolerance<Scalar>) const {
    const auto expected = tensor<double, Rank>(tensor_name);
    if (expected.shape() != actual.shape()) {
      return concat(name_, ": ", tensor_name, " is ", actual.shape(), ", not ", expected.shape());
    }
    const double difference = relative_difference<Scalar>(actual.values(), expected.values());
    return verdict<Scalar>(quantity_of(tensor_name), tensor_name, difference, tolerance);
  }

  /// Compares the tape's gradient of every parameter with grad.<name>. Where there is none, none
  /// may have arrived.
  template <Module Model>
  std::string gradient_mismatch(const Model& model,
                                const Tape<typename Model::scalar_type>& tape) const {
    using Scalar = typename Model::scalar_type;
    double worst = 0;
    std::string worst_name = "none";
    for (const auto& parameter : named_parameters(model)) {
      const std::string key = "grad." + parameter.name;
      const auto gradient = tape.gradient_values(parameter.key);
      if (contains(key) == gradient.empty()) {
        return name_ + ": " + key + (gradient.empty() ? " did not arrive" : " is not expected");
      }
      if (gradient.empty()) continue;
      worst_of(key, gradient, worst, worst_name);
    }
    return verdict<Scalar>("gradients", worst_name, worst, parity_tolerance<Scalar>);
  }

  /// Compares every parameter of a model with <prefix><name>.
  template <Module Model>
  std::string parameter_mismatch(
      const Model& model, const std::string& prefix, const std::string& quantity,
      double tolerance = parity_tolerance<typename Model::scalar_type>) const {
    using Scalar = typename Model::scalar_type;
    double worst = 0;
    std::string worst_name = "none";
    for (const auto& parameter : named_parameters(model)) {
      worst_of(prefix + parameter.name, parameter.values, worst, worst_name);
    }
    return verdict<Scalar>(quantity, worst_name, worst, tolerance);
  }

  /// Tensors that no test has asked for.
  std::vector<std::string> unused() const {
    std::vector<std::string> left;
    for (const std::string& key : names("")) {
      if (!used_.contains(key)) left.push_back(key);
    }
    return left;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw std::runtime_error(name_ + ": " + reason);
  }

  std::vector<std::string> names(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const auto& entry : reader_.tensors()) {
      if (entry.name.starts_with(prefix)) found.push_back(entry.name);
    }
    return found;
  }

  template <class Scalar>
  void worst_of(const std::string& key, std::span<const Scalar> actual, double& worst,
                std::string& worst_name) const {
    std::vector<double> expected(actual.size());
    reader_.read_into(key, std::span(expected));
    used_.insert(key);
    const double difference = relative_difference<Scalar>(actual, expected);
    if (difference >= worst) {
      worst = difference;
      worst_name = key;
    }
  }

  /// "output.idx_mask.forward" -> "forward", "grad.none.x" -> "gradients".
  static std::string quantity_of(const std::string& tensor_name) {
    if (tensor_name.starts_with("grad.")) return "gradients";
    std::string last = tensor_name;
    while (!last.empty() && last.back() >= '0' && last.back() <= '9') last.pop_back();
    if (last.ends_with('.')) last.pop_back();
    return last.substr(last.rfind('.') + 1);
  }

  template <class Scalar>
  std::string verdict(const std::string& quantity, const std::string& what, double difference,
                      double tolerance) const {
    if (difference <= tolerance) {
      ParityTable::instance().add<Scalar>(name_, quantity, difference);
      return "";
    }
    return concat(name_, ": ", what, " differs by ", difference, " of its largest value, ",
                  tolerance, " is allowed");
  }

  std::string name_;
  io::TensorSource reader_;
  mutable std::set<std::string> used_;
};

}  // namespace tessera::test
