#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/checkpoint/expected_tensors.hpp"
#include "tessera/io/checkpoint/positions.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/weights/adapt.hpp"
#include "tessera/io/weights/load_report.hpp"
#include "tessera/io/weights/mapped_parameters.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::io::detail {

inline bool is_finite(const StoredTensor& tensor) {
  bool finite = true;
  constexpr Index chunk = 1024;
  std::array<double, chunk> values;
  visit_chunks(tensor, [&](Index, Index count, const std::byte* packed) {
    for (Index i = 0; i < count && finite; i += chunk) {
      const std::span<double> part(values.data(),
                                   static_cast<std::size_t>(std::min(chunk, count - i)));
      (void)decode_values(tensor.dtype, packed + i * dtype_size(tensor.dtype), part);
      finite = std::ranges::all_of(part, [](double value) { return std::isfinite(value); });
    }
    return finite;
  });
  return finite;
}

/// True of a file of an I-JEPA with both encoders.
inline bool holds_two_encoders(const Checkpoint& file) {
  return file.contains_part("encoder.") && file.contains_part("target_encoder.");
}

/// The way in which a parameter is filled from a tensor of the file.
template <class Scalar>
struct Placement {
  enum class Kind {
    as_stored,
    adapted,  ///< by `values`, made of the stored ones
    misfit,   ///< not at all: `hint` says what else may be wrong, and what to do
  };
  Kind kind = Kind::as_stored;
  Tensor<Scalar, 1> values = {};
  std::string hint = {};

  static Placement adapted(Tensor<Scalar, 1> values) { return {Kind::adapted, std::move(values)}; }
  static Placement misfit(std::string hint = "") { return {Kind::misfit, {}, std::move(hint)}; }
};

/// Compares the tensors of a file with those that a model needs. Everything that can fail comes
/// first; copy() then changes the model.
template <std::floating_point Scalar>
class LoadPlan {
 public:
  LoadPlan(const Checkpoint& file, const CheckpointFacts& facts, const LoadOptions& options)
      : file_(file), facts_(facts), options_(options) {
    report.file = file.source.label();
    report.naming = file.naming_id();
    report.unexpected = file.unexpected;
    report.heads = file.heads;
    report.partners = file.partners;
    report.entry = file.entry;
    report.others = file.others;
  }

  LoadReport report;

  /// Plans one parameter of the model, to come from our tensor `source` of the file. `to` tells how
  /// the model lays out positions, if it is a table of them or a class token.
  void add(const NamedParameter<Scalar>& parameter, const std::string& source,
           const std::optional<PositionLayout>& to) {
    const CheckpointTensor* tensor = file_.find(source);
    if (tensor == nullptr) {
      const bool usual = source.ends_with("encoder.mask_token");
      (usual ? report.kept : report.missing).push_back(parameter.name);
      return;
    }
    used_.insert(source);
    Placement<Scalar> placement = place(parameter, source, *tensor, to);
    if (placement.kind == Placement<Scalar>::Kind::misfit) {
      report.wrong_shape.push_back(concat(parameter.name, " is ",
                                          std::span<const Index>(tensor->shape), " in the file, ",
                                          parameter.shape, " in the model", placement.hint));
      return;
    }
    report.loaded.push_back(parameter.name);
    if (tensor->dtype != dtype_of<Scalar>()) report.converted.push_back(parameter.name);
    copies_.push_back(
        {parameter.name, parameter.key, parameter.values, tensor, std::move(placement)});
  }

  /// Tensors that no parameter took are unexpected; if only the part of our names that begin with
  /// `part` was asked for, those outside of it are skipped.
  void finish(std::string_view part = "") {
    for (const CheckpointTensor& tensor : file_.tensors) {
      if (used_.contains(tensor.name)) continue;
      const bool wanted = tensor.name.starts_with(part);
      std::vector<std::string>& list = wanted ? report.unexpected : report.skipped;
      for (const std::string& stored : tensor.stored) list.push_back(printable(stored));
    }
  }

  /// Throws unless every value can be read. After it, copy() cannot fail.
  void check_values() const {
    for (const Copy& copy : copies_) {
      for (const std::string& name : copy.tensor->stored) {
        file_.source.template check_readable<Scalar>(name);
        if (options_.reject_non_finite && !is_finite(file_.source.tensor(name))) {
          refuse_file(file_.source.label(), "tensor ", in_quotes(name), ": holds NaN or infinity");
        }
      }
    }
  }

  /// With `mmap`, the parameters that can stay in the file; copy() leaves them out.
  MappedParameters<Scalar> map() {
    constexpr std::size_t few_bytes = std::size_t{1} << 14;  // a mapping costs some pages itself
    MappedParameters<Scalar> mapped;
    for (Copy& copy : copies_) {
      const bool as_stored = copy.placement.kind == Placement<Scalar>::Kind::as_stored;
      if (!options_.mmap || !as_stored || copy.tensor->stored.size() != 1) continue;
      if (copy.target.size_bytes() < few_bytes) continue;
      auto values = map_values<Scalar>(file_.source.tensor(copy.tensor->stored[0]));
      if (!values) continue;
      mapped.add(copy.key, std::move(*values));
      report.mapped.push_back(copy.name);
      copy.mapped = true;
    }
    return mapped;
  }

  void copy() const {
    for (const Copy& copy : copies_) {
      if (copy.mapped) continue;
      std::span<Scalar> rest = copy.target;
      if (copy.placement.kind == Placement<Scalar>::Kind::adapted) {
        std::copy(copy.placement.values.begin(), copy.placement.values.end(), rest.begin());
        continue;
      }
      for (const std::string& name : copy.tensor->stored) {
        const StoredTensor& stored = file_.source.tensor(name);
        const auto count = static_cast<std::size_t>(stored.element_count());
        copy_values(stored, rest.first(count));
        rest = rest.subspan(count);
      }
    }
  }

 private:
  using Placed = Placement<Scalar>;

  struct Copy {
    std::string name;
    const void* key;  // of the parameter
    std::span<Scalar> target;
    const CheckpointTensor* tensor;
    Placed placement;
    bool mapped = false;
  };

  template <int Rank>
  Tensor<Scalar, Rank> read(const CheckpointTensor& tensor) const {
    return file_.source.template read<Scalar, Rank>(tensor.stored[0]);
  }

  template <int Rank>
  static Tensor<Scalar, 1> flat(Tensor<Scalar, Rank> tensor) {
    const Shape<1> shape{tensor.size()};
    return std::move(tensor).reshaped(shape);
  }

  Placed place(const NamedParameter<Scalar>& parameter, const std::string& source,
               const CheckpointTensor& tensor, const std::optional<PositionLayout>& to) {
    const bool fits = same_shape(source, parameter.shape, tensor.shape);
    if (to && source.ends_with("pos_embed")) {
      return place_positions(*to, parameter.name, tensor, parameter.shape);
    }
    if (fits && to && source.ends_with("encoder.cls_token")) {
      return place_class_token(*to, source, tensor);
    }
    if (fits) return {};
    if (source.ends_with("patch_embed.proj.weight")) {
      return place_channels(parameter.name, parameter.shape, tensor);
    }
    return Placed::misfit();
  }

  /// The layout of a table of positions in the file.
  struct StoredPositions {
    PositionLayout layout;
    bool certain;  ///< the grid is said, not guessed
  };

  StoredPositions stored_positions(std::string_view source, Index rows) const {
    if (!facts_.encoder) {  // a decoder alone
      const Size grid = facts_.decoder_grid.value.value_or(Size{rows, 1});
      return {{rows - grid.count(), grid}, facts_.decoder_grid.from == Origin::metadata};
    }
    const Index patches = facts_.encoder->positions - facts_.position_prefix;
    PositionLayout layout{facts_.position_prefix, {patches, 1}};
    if (!source.ends_with("encoder.pos_embed")) layout.prefix = rows - patches;
    if (!facts_.image_size.value) return {layout, false};
    const Size& image = *facts_.image_size.value;
    layout.grid = {image.height / facts_.patch_size, image.width / facts_.patch_size};
    return {layout, !is_guess(facts_.image_size.from)};
  }

  /// A class token may take over the row of a class position that the model has no place for, and a
  /// missing row is zero: both compute the same. Another grid is resampled if the caller allows it.
  Placed place_positions(const PositionLayout& to, const std::string& name,
                         const CheckpointTensor& tensor, std::span<const Index> shape) {
    const bool equal = std::ranges::equal(tensor.shape, shape);
    const bool comparable =
        tensor.shape.size() == 3 && tensor.shape[0] == 1 && tensor.shape[2] == shape[2];
    if (!comparable) return equal ? Placed() : Placed::misfit();
    if (facts_.unclear_positions && equal) return {};  // the model has decided it

    auto [from, certain] = stored_positions(tensor.name, tensor.shape[1]);
    const bool class_token_takes_row = from.prefix == 1 && to.prefix == 0;
    if (from.prefix > to.prefix && !class_token_takes_row) return Placed::misfit();
    const bool as_many = from.grid.count() == to.grid.count();
    const bool other_grid = !as_many || (certain && from.grid != to.grid);
    if (!other_grid) from.grid = to.grid;
    if (from == to) return {};
    if (other_grid && !options_.resize_position_embedding) {
      return Placed::misfit(concat(", which has ", to.grid, " patches",
                                   as_many ? concat(", not ", from.grid) : "",
                                   ": give resize_position_embedding"));
    }
    if (other_grid && facts_.encoder && !facts_.image_size.value) {
      refuse_file(file_.source.label(), "image_size cannot be told from the file (",
                  no_image_size(facts_), "); give image_size");
    }
    if (other_grid) report.resized.push_back(name);
    return Placed::adapted(flat(
        adapt_positions(read<3>(tensor), from, to,
                        options_.resize_position_embedding.value_or(kernels::Bicubic::plain))));
  }

  Placed place_class_token(const PositionLayout& to, const std::string& source,
                           const CheckpointTensor& tensor) const {
    const CheckpointTensor* positions = file_.find(position_table_beside(source));
    if (positions == nullptr || facts_.position_prefix != 1 || to.prefix != 0) return {};
    Tensor<Scalar, 1> token = read<3>(tensor).reshaped(Shape<1>{tensor.shape.back()});
    const Tensor<Scalar, 3> rows = read<3>(*positions);
    for (Index i = 0; i < token.size(); ++i) token(i) += rows.data()[i];
    return Placed::adapted(std::move(token));
  }

  Placed place_channels(const std::string& name, std::span<const Index> shape,
                        const CheckpointTensor& tensor) {
    const bool only_channels = tensor.shape.size() == 4 && tensor.shape[0] == shape[0] &&
                               tensor.shape[2] == shape[2] && tensor.shape[3] == shape[3] &&
                               (shape[1] == 1 || tensor.shape[1] == 3);
    if (!only_channels) return Placed::misfit();
    if (!options_.adapt_input_channels) return Placed::misfit(": give adapt_input_channels");
    report.resized.push_back(name);
    return Placed::adapted(flat(adapt_channels(read<4>(tensor), shape[1])));
  }

  const Checkpoint& file_;
  const CheckpointFacts& facts_;
  const LoadOptions& options_;
  std::vector<Copy> copies_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace tessera::io::detail
