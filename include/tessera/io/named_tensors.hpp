#pragma once

#include <algorithm>
#include <concepts>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/io/naming.hpp"
#include "tessera/io/safetensors_writer.hpp"

namespace tessera::io {

/// What was written. Names are the model's parameters.
struct ExportReport {
  std::vector<std::string> written;
  std::vector<std::string> left_out;  ///< an encoder's mask token, where a naming has none
};

namespace detail {

/// A tensor of a model by our name.
template <class Scalar>
struct NamedTensor {
  std::string name;
  std::vector<Index> shape;
  std::span<const Scalar> values;
  Dtype dtype;
};

/// What names cannot tell about a model.
struct ModelShape {
  unsigned layout = Layout::plain;
  bool class_token = false;
  Index position_prefix = 0;  ///< rows of the encoder's positions that are for prefix tokens
  std::optional<Size> grid = std::nullopt;
  Index in_chans = 3;
};

/// Gives the tensors of a model the names, parts and shapes of a naming. Values that have to be
/// made are kept in `made`. Throws std::invalid_argument if that code has no such model.
template <std::floating_point Scalar>
class TensorNamer {
 public:
  TensorNamer(const Naming& naming, const ModelShape& shape)
      : naming_(naming), shape_(shape), writer_(naming, shape.layout) {}

  ExportReport add_to(SafetensorsWriter& file, std::span<const NamedTensor<Scalar>> tensors) {
    check_shape();
    ExportReport report;
    std::vector<std::string> names;
    std::vector<std::string> without_place;
    for (const NamedTensor<Scalar>& tensor : tensors) {
      if (shape_.layout == Layout::predictor && !tensor.name.starts_with("predictor")) continue;
      names.push_back(tensor.name);
      const std::vector<TableName> theirs = writer_.find(tensor.name);
      if (!theirs.empty()) {
        add(file, theirs, adapted(tensor));
        report.written.push_back(tensor.name);
      } else if (tensor.name.ends_with("encoder.mask_token")) {
        report.left_out.push_back(tensor.name);
      } else {
        without_place.push_back(tensor.name);
      }
    }
    require(without_place.empty(), "export_weights", "naming ", naming_.id, " has no place for ",
            without_place.empty() ? "" : without_place[0],
            without_place.size() > 1 ? text_of(" and ", without_place.size() - 1, " more") : "");
    const std::string missing = writer_.first_missing(names);
    require(missing.empty(), "export_weights", "a model of naming ", naming_.id, " has ", missing,
            ", this one does not");
    return report;
  }

 private:
  void check_shape() const {
    require(!naming_.square || (shape_.grid && shape_.grid->height == shape_.grid->width),
            "export_weights", "a model of naming ", naming_.id, " has a square grid, not ",
            shape_.grid.value_or(Size{}));
    require(!naming_.three_channels || shape_.in_chans == 3, "export_weights", "a model of naming ",
            naming_.id, " has 3 channels, not ", shape_.in_chans);
  }

  /// The tensor as that code shapes it.
  NamedTensor<Scalar> adapted(NamedTensor<Scalar> tensor) {
    if (tensor.name.ends_with("encoder.mask_token")) {
      const Index dim = tensor.shape.back();
      tensor.shape =
          naming_.flat_mask_token ? std::vector<Index>{1, dim} : std::vector<Index>{1, 1, dim};
    }
    if (!naming_.class_row || !tensor.name.ends_with("encoder.pos_embed")) return tensor;
    const Index rows = shape_.class_token ? 1 : 0;
    require(shape_.position_prefix <= rows, "export_weights", "naming ", naming_.id,
            " has no place for the positions of register tokens");
    if (shape_.position_prefix == rows) return tensor;
    const Index dim = tensor.shape[2];
    made_.emplace_back(Shape<1>{(tensor.shape[1] + 1) * dim});  // a first row of zeros
    std::copy(tensor.values.begin(), tensor.values.end(), made_.back().data() + dim);
    ++tensor.shape[1];
    tensor.values = made_.back().values();
    return tensor;
  }

  static void add(SafetensorsWriter& file, const std::vector<TableName>& theirs,
                  NamedTensor<Scalar> tensor) {
    const auto parts = static_cast<Index>(theirs.size());
    if (parts > 1) tensor.shape[0] /= parts;
    const std::size_t count = tensor.values.size() / theirs.size();
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      file.add<Scalar>(theirs[i].name, tensor.shape, tensor.values.subspan(i * count, count),
                       tensor.dtype);
    }
  }

  const Naming& naming_;
  ModelShape shape_;
  NameWriter writer_;
  std::deque<Tensor<Scalar, 1>> made_;
};

}  // namespace detail
}  // namespace tessera::io
