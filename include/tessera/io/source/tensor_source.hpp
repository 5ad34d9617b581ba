#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/tensor.hpp"
#include "tessera/io/safetensors/options.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/torch/options.hpp"

namespace tessera::io {

/// Format of a weights file: one safetensors file, one of torch.save's two formats, or an index of
/// several files.
enum class TensorFormat { safetensors, torch_zip, torch_legacy, shard_index };

constexpr std::string_view format_name(TensorFormat format) {
  constexpr std::array<std::string_view, 4> names{"safetensors", "PyTorch (zip)",
                                                  "PyTorch (before 1.6)", "sharded"};
  return names[static_cast<std::size_t>(format)];
}

/// Choices in opening a weights file.
struct TensorOptions {
  SafetensorsOptions safetensors = {};
  TorchOptions torch = {};
  /// Map the file into memory. Off: read it whole when it is opened, which needs memory of its
  /// size, but bears that the file shrinks later.
  bool map = true;
};

/// The named tensors of a weights file of any format. They are read when asked for, straight from
/// the mapped file. A plain value: copies share the table and the mapping, which the last one ends.
/// All errors are std::runtime_error "file: tensor 'name': reason"; on error no output has changed.
/// Const use from several threads is safe. The file must not change meanwhile.
class TensorSource {
 public:
  /// Tensors that something else has found and checked. `label` stands for the file in messages.
  TensorSource(TensorTable table, std::string label, TensorFormat format);

  const std::string& label() const { return label_; }
  TensorFormat format() const { return format_; }
  /// In the order of the file.
  const std::vector<StoredTensor>& tensors() const { return table().tensors; }
  /// Of a torch file: its numbers and texts by dotted path, as Python prints them.
  const TensorMetadata& metadata() const { return table().metadata; }
  /// Of a torch file: the values that are not read, each with the reason, in the order of the file.
  const std::vector<SkippedValue>& skipped() const { return table().skipped; }
  /// Of a torch file: the top-level entries that hold tensors, for select().
  const std::vector<TensorGroup>& groups() const { return table().groups; }
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Throws if there is no such tensor.
  const StoredTensor& tensor(std::string_view name) const;

  /// The tensors whose names begin with `prefix` and a dot, without these: select("model") of a
  /// training checkpoint. Metadata and what is skipped stay whole. Throws if there are none.
  TensorSource select(std::string_view prefix) const;

  /// The tensor in its own shape. Floats of any stored kind become Scalar (double rounds to float,
  /// overflow throws); integers and booleans must be stored as Scalar exactly.
  template <Storable Scalar, int Rank>
  Tensor<Scalar, Rank> read(std::string_view name) const {
    const StoredTensor& found = tensor(name);
    if (found.shape.size() != static_cast<std::size_t>(Rank)) {
      refuse_rank(found, Rank);
    }
    check<Scalar>(found);
    Shape<Rank> shape{};
    if constexpr (Rank > 0) std::copy(found.shape.begin(), found.shape.end(), shape.begin());
    Tensor<Scalar, Rank> result = Tensor<Scalar, Rank>::empty(shape);
    copy_values(found, result.values());
    return result;
  }

  /// As read(), into `values`, row-major, whatever the shape. Throws unless the counts agree.
  template <Storable Scalar>
  void read_into(std::string_view name, std::span<Scalar> values) const {
    const StoredTensor& found = tensor(name);
    if (static_cast<Index>(values.size()) != found.element_count()) {
      refuse_count(found, values.size());
    }
    check<Scalar>(found);
    copy_values(found, values);
  }

  /// As read_into above; throws also unless the stored shape is `shape`.
  template <Storable Scalar>
  void read_into(std::string_view name, std::span<const Index> shape,
                 std::span<Scalar> values) const {
    const StoredTensor& found = tensor(name);
    if (!std::equal(shape.begin(), shape.end(), found.shape.begin(), found.shape.end())) {
      refuse_shape(found, shape);
    }
    read_into(name, values);
  }
  template <Storable Scalar, int Rank>
  void read_into(std::string_view name, Tensor<Scalar, Rank>& tensor) const {
    read_into(name, std::span<const Index>(tensor.shape()), tensor.values());
  }

  /// Throws what read_into would throw because of the stored dtype or values: after this, reading
  /// the tensor into as many values cannot fail.
  template <Storable Scalar>
  void check_readable(std::string_view name) const {
    check<Scalar>(tensor(name));
  }

 private:
  struct Shared;  // the table, and the order of its tensors by name

  const TensorTable& table() const;
  const StoredTensor* find(std::string_view name) const;

  // Errors of what was asked for and what is stored.
  [[noreturn]] void refuse_shape(const StoredTensor& tensor, std::span<const Index> expected) const;
  [[noreturn]] void refuse_rank(const StoredTensor& tensor, int rank) const;
  [[noreturn]] void refuse_count(const StoredTensor& tensor, std::size_t count) const;
  [[noreturn]] void refuse_dtype(const StoredTensor& tensor, Dtype wanted) const;
  [[noreturn]] void refuse_element(const StoredTensor& tensor, Index element, Dtype wanted) const;

  template <Storable Scalar>
  void check(const StoredTensor& tensor) const {
    if (!is_convertible<Scalar>(tensor.dtype)) refuse_dtype(tensor, dtype_of<Scalar>());
    if (const std::optional<Index> element = find_unreadable<Scalar>(tensor)) {
      refuse_element(tensor, *element, dtype_of<Scalar>());
    }
  }

  std::shared_ptr<const Shared> shared_;
  std::string label_;
  TensorFormat format_;
};

/// Opens a weights file as published: safetensors, torch.save (both formats), or the index.json of
/// several such files in the same folder. The content tells which, not the name. All but the values
/// is checked; nothing in the file is executed. Throws std::runtime_error "file: ...: reason".
TensorSource open_tensors(const std::filesystem::path& path, const TensorOptions& options = {});

/// Opens weights in memory, which must outlive the source. `label` stands for the file in messages.
TensorSource open_tensors(std::span<const std::byte> bytes, const std::string& label = "memory",
                          const TensorOptions& options = {});
TensorSource open_tensors(std::vector<std::byte>&& bytes, const std::string& label = "memory",
                          const TensorOptions& options = {}) = delete;

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/source/tensor_source_impl.hpp"
#endif
