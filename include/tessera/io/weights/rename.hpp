#pragma once

#include <algorithm>
#include <concepts>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/size.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/weights/adapt.hpp"
#include "tessera/io/weights/model_shape.hpp"

namespace tessera::io {

namespace detail {

/// The whole number by which Hugging Face's DINOv2 makes its MLP wider, if one gives this width.
inline std::optional<Index> dinov2_mlp_ratio(Index dim, Index hidden, bool gated) {
  for (Index ratio = 1; dim > 0 && ratio * dim <= 2 * hidden + 8 * dim; ++ratio) {
    const Index wide = ratio * dim;
    if ((gated ? (wide * 2 / 3 + 7) / 8 * 8 : wide) == hidden) return ratio;
  }
  return std::nullopt;
}

/// Gives the tensors of a model the names, parts and shapes of a naming. Values that have to be
/// made are kept in `made`. Throws std::invalid_argument if that code has no such model.
template <std::floating_point Scalar>
class TensorNamer {
 public:
  TensorNamer(const Naming& naming, const ModelShape& shape)
      : naming_(naming), shape_(shape), writer_(naming, shape.layout) {}

  ExportReport add_to(SafetensorsWriter& file, std::span<const NamedTensor<Scalar>> tensors) {
    check_shape();
    tensors_ = tensors;
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
    if (!without_place.empty()) {
      refuse("export_weights", "naming ", naming_.id, " has no place for ", without_place[0],
             without_place.size() > 1 ? concat(" and ", without_place.size() - 1, " more") : "");
    }
    const std::string missing = writer_.first_missing(names);
    if (!missing.empty()) {
      refuse("export_weights", "a model of naming ", naming_.id, " has ", missing,
             ", this one does not");
    }
    return report;
  }

  /// True if positions of prefix tokens stand elsewhere than in the model: it computes the same,
  /// but from other parameters.
  bool moves_positions() const { return position_rows() != shape_.position_prefix; }

 private:
  void check_shape() const {
    const bool is_square = shape_.grid && shape_.grid->height == shape_.grid->width;
    if (naming_.square && !is_square) {
      refuse("export_weights", "a model of naming ", naming_.id, " has a square grid, not ",
             shape_.grid.value_or(Size{}));
    }
    if (naming_.three_channels && shape_.in_chans != 3) {
      refuse("export_weights", "a model of naming ", naming_.id, " has 3 channels, not ",
             shape_.in_chans);
    }
    const bool gated = shape_.layout == Layout::gated;
    const bool dinov2 = gated || shape_.layout == Layout::scaled;
    if (naming_.id.starts_with("hugging_face") && dinov2 &&
        !dinov2_mlp_ratio(shape_.dim, shape_.mlp_hidden, gated)) {
      refuse("export_weights", "a DINOv2 of naming ", naming_.id,
             " has an MLP wider by a whole number, not from ", shape_.dim, " to ",
             shape_.mlp_hidden);
    }
  }

  /// Rows of positions for prefix tokens in that code: one for a class token, or where it has the
  /// choice, all of them or none.
  Index position_rows() const {
    if (naming_.class_row) return shape_.class_token ? 1 : 0;
    const Index all = (shape_.class_token ? 1 : 0) + shape_.reg_tokens;
    return shape_.position_prefix == all ? all : 0;
  }

  /// The tensor as that code shapes it.
  NamedTensor<Scalar> adapted(const NamedTensor<Scalar>& tensor) {
    if (tensor.name.ends_with("mask_token")) {
      NamedTensor<Scalar> token = tensor;
      const Index dim = tensor.shape.back();
      const bool flat = naming_.flat_mask_token && tensor.name.ends_with("encoder.mask_token");
      token.shape = flat ? std::vector<Index>{1, dim} : std::vector<Index>{1, 1, dim};
      return token;
    }
    if (moves_positions() && tensor.name.ends_with("encoder.pos_embed")) {
      return with_position_rows(tensor);
    }
    const bool folds = position_rows() < shape_.position_prefix;
    return folds && tensor.name.ends_with("encoder.cls_token") ? with_position(tensor) : tensor;
  }

  /// The table without its first row, or with one of zeros before it.
  NamedTensor<Scalar> with_position_rows(NamedTensor<Scalar> table) {
    const Index rows = position_rows();
    if (shape_.position_prefix > 1) {
      refuse("export_weights", "naming ", naming_.id,
             " has no place for the positions of register tokens");
    }
    const Index dim = table.shape[2];
    if (rows < shape_.position_prefix) {
      --table.shape[1];
      table.values = table.values.subspan(static_cast<std::size_t>(dim));
      return table;
    }
    made_.emplace_back(Shape<1>{(table.shape[1] + rows) * dim});
    std::copy(table.values.begin(), table.values.end(), made_.back().data() + rows * dim);
    table.shape[1] += rows;
    table.values = made_.back().values();
    return table;
  }

  /// The sum of the class token and its position: only the sum enters the model.
  NamedTensor<Scalar> with_position(NamedTensor<Scalar> token) {
    const auto table =
        std::ranges::find(tensors_, position_table_beside(token.name), &NamedTensor<Scalar>::name);
    made_.emplace_back(Shape<1>{std::ssize(token.values)});
    std::transform(token.values.begin(), token.values.end(), table->values.begin(),
                   made_.back().begin(), std::plus<Scalar>());
    token.values = made_.back().values();
    return token;
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
  std::span<const NamedTensor<Scalar>> tensors_;
  std::deque<Tensor<Scalar, 1>> made_;
};

}  // namespace detail
}  // namespace tessera::io
