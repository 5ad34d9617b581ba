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

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/expected_tensors.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/weights/adapt.hpp"
#include "tessera/io/weights/load_report.hpp"
#include "tessera/io/weights/mapped_parameters.hpp"
#include "tessera/models/masked_vision_transformer_decoder.hpp"

namespace tessera::io {

/// An I-JEPA has two encoders of the same names: the trained one and its moving average.
enum class EncoderChoice { context, target };

/// Loading is strict; each of these relaxes one thing.
struct LoadOptions {
  /// Only the encoder is loaded; a decoder, in the file or in the model, is left alone.
  bool encoder_only = false;
  /// Which encoder of an I-JEPA file to take. Implies encoder_only.
  std::optional<EncoderChoice> encoder = std::nullopt;
  bool allow_missing = false;  ///< what is not in the file stays as it is
  /// Positions of another grid are resampled with this kernel.
  std::optional<kernels::Bicubic> resize_position_embedding = std::nullopt;
  /// A patch embedding for another number of channels is adapted as timm does: see adapt_channels.
  bool adapt_input_channels = false;
  bool reject_non_finite = false;  ///< refuse NaN and infinity
  /// Parameters of 16 KiB and more that the file holds as the model does stay in it and are read
  /// when they are first needed; others, and where the system refuses, are copied as ever:
  /// LoadReport::mapped tells. The file must not change as long as the model lives; changes to the
  /// model do not reach it. Their memory need not be 64-byte aligned.
  bool mmap = false;
};

namespace detail {

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

/// Compares what a file holds with what a model needs. Everything that can fail comes first; copy()
/// then changes the model.
template <std::floating_point Scalar>
class LoadPlan {
 public:
  LoadPlan(const Checkpoint& file, const CheckpointFacts& facts, const LoadOptions& options)
      : file_(file), facts_(facts), options_(options) {
    report.file = file.source.label();
    report.naming = file.naming_id();
    report.unexpected = file.unexpected;
    report.heads = file.heads;
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
    Copy copy{parameter.name, parameter.key, parameter.values, tensor, {}};
    const bool fits = same_shape(source, parameter.shape, tensor->shape);
    std::string why;
    if (to && source.ends_with("pos_embed")) {
      why = place_positions(*to, parameter.name, *tensor, parameter.shape, copy.adapted);
    } else if (to && source.ends_with("encoder.cls_token") && fits) {
      add_class_position(*to, source, *tensor, copy.adapted);
    } else if (source.ends_with("patch_embed.proj.weight") && !fits) {
      why = place_channels(parameter.name, parameter.shape, *tensor, copy.adapted);
    } else if (!fits) {
      why = " in the model";
    }
    if (!why.empty()) {
      report.wrong_shape.push_back(concat(parameter.name, " is ",
                                          std::span<const Index>(tensor->shape), " in the file, ",
                                          parameter.shape, why));
      return;
    }
    report.loaded.push_back(parameter.name);
    if (tensor->dtype != dtype_of<Scalar>()) report.converted.push_back(parameter.name);
    copies_.push_back(std::move(copy));
  }

  /// What no parameter took is unexpected; if only the part of our names that begin with `part` was
  /// asked for, what does not belong to it is skipped.
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
        file_.source.check_readable<Scalar>(name);
        if (options_.reject_non_finite && !is_finite(file_.source.tensor(name))) {
          refuse_file(file_.source.label(), "tensor ", in_quotes(name), ": holds NaN or infinity");
        }
      }
    }
  }

  /// With `mmap`, the parameters that can stay in the file; copy() leaves them out. Small ones are
  /// not worth a mapping.
  MappedParameters<Scalar> map() {
    constexpr std::size_t few_bytes = std::size_t{1} << 14;
    MappedParameters<Scalar> mapped;
    for (Copy& copy : copies_) {
      if (!options_.mmap || copy.adapted || copy.tensor->stored.size() != 1) continue;
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
      if (copy.adapted) std::copy(copy.adapted->begin(), copy.adapted->end(), rest.begin());
      for (std::size_t i = 0; !copy.adapted && i < copy.tensor->stored.size(); ++i) {
        const StoredTensor& stored = file_.source.tensor(copy.tensor->stored[i]);
        const auto count = static_cast<std::size_t>(stored.element_count());
        copy_values(stored, rest.first(count));
        rest = rest.subspan(count);
      }
    }
  }

 private:
  using Adapted = std::optional<Tensor<Scalar, 1>>;

  struct Copy {
    std::string name;
    const void* key;  // of the parameter
    std::span<Scalar> target;
    const CheckpointTensor* tensor;
    Adapted adapted;  // instead of the stored values
    bool mapped = false;
  };

  template <int Rank>
  Tensor<Scalar, Rank> read(const CheckpointTensor& tensor) const {
    return file_.source.read<Scalar, Rank>(tensor.stored[0]);
  }

  template <int Rank>
  static Tensor<Scalar, 1> flat(Tensor<Scalar, Rank> tensor) {
    const Shape<1> shape{tensor.size()};
    return std::move(tensor).reshaped(shape);
  }

  /// How the file lays out positions, and whether its grid is said rather than guessed.
  std::pair<PositionLayout, bool> stored_layout(std::string_view source, Index rows) const {
    if (!facts_.encoder) {  // a decoder alone
      const Size grid = facts_.decoder_grid.value.value_or(Size{rows, 1});
      return {{rows - grid.count(), grid}, facts_.decoder_grid.from == Origin::metadata};
    }
    const Index patches = facts_.encoder->positions - facts_.position_prefix;
    PositionLayout layout{facts_.position_prefix, {patches, 1}};
    if (!source.ends_with("encoder.pos_embed")) layout.prefix = rows - patches;
    const bool said = facts_.image_size.value && facts_.image_size.from != Origin::square_grid;
    if (facts_.image_size.value) {
      const Size& image = *facts_.image_size.value;
      layout.grid = {image.height / facts_.patch_size, image.width / facts_.patch_size};
    }
    return {layout, said};
  }

  /// Where nothing can be done, what is wrong with the shape. A class token may take over the row
  /// of a class position that the model has no place for, and a missing row is zero: both exact.
  std::string place_positions(const PositionLayout& to, const std::string& name,
                              const CheckpointTensor& tensor, std::span<const Index> shape,
                              Adapted& adapted) {
    const bool equal = std::ranges::equal(tensor.shape, shape);
    const bool comparable =
        tensor.shape.size() == 3 && tensor.shape[0] == 1 && tensor.shape[2] == shape[2];
    if (!comparable) return equal ? "" : " in the model";
    if (facts_.unclear_positions && equal) return "";
    auto [from, said] = stored_layout(tensor.name, tensor.shape[1]);
    if (from.prefix > to.prefix && !(from.prefix == 1 && to.prefix == 0)) return " in the model";
    const bool same = from.grid.count() == to.grid.count() && (!said || from.grid == to.grid);
    if (same) from.grid = to.grid;
    if (from == to) return "";
    if (!same && !options_.resize_position_embedding) {
      return concat(" in the model, which has ", to.grid, " patches",
                    from.grid.count() == to.grid.count() ? concat(", not ", from.grid) : "",
                    ": give resize_position_embedding");
    }
    if (!same && facts_.encoder && !facts_.image_size.value) {
      refuse_file(file_.source.label(), "image_size cannot be told from the file (",
                  no_image_size(facts_), "); give image_size");
    }
    if (!same) report.resized.push_back(name);
    adapted =
        flat(adapt_positions(read<3>(tensor), from, to,
                             options_.resize_position_embedding.value_or(kernels::Bicubic::plain)));
    return "";
  }

  void add_class_position(const PositionLayout& to, const std::string& name,
                          const CheckpointTensor& tensor, Adapted& adapted) const {
    const std::string table = name.substr(0, name.size() - 9) + "pos_embed";  // for "cls_token"
    const CheckpointTensor* positions = file_.find(table);
    if (positions == nullptr || facts_.position_prefix != 1 || to.prefix != 0) return;
    adapted =
        file_.source.read<Scalar, 3>(tensor.stored[0]).reshaped(Shape<1>{tensor.shape.back()});
    const Tensor<Scalar, 3> rows = read<3>(*positions);
    for (Index i = 0; i < adapted->size(); ++i) (*adapted)(i) += rows.data()[i];
  }

  std::string place_channels(const std::string& name, std::span<const Index> shape,
                             const CheckpointTensor& tensor, Adapted& adapted) {
    const bool only_channels = tensor.shape.size() == 4 && tensor.shape[0] == shape[0] &&
                               tensor.shape[2] == shape[2] && tensor.shape[3] == shape[3] &&
                               (shape[1] == 1 || tensor.shape[1] == 3);
    if (!only_channels) return " in the model";
    if (!options_.adapt_input_channels) return " in the model: give adapt_input_channels";
    adapted = flat(adapt_channels(read<4>(tensor), shape[1]));
    report.resized.push_back(name);
    return "";
  }

  const Checkpoint& file_;
  const CheckpointFacts& facts_;
  const LoadOptions& options_;
  std::vector<Copy> copies_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace detail
}  // namespace tessera::io
