#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/mapped_file.hpp"
#include "tessera/io/safetensors/header.hpp"
#include "tessera/io/source/shards.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/file.hpp"

namespace tessera::io {

/// How weights are kept: one safetensors file, one of torch.save's two formats, or an index of
/// several files.
enum class TensorFormat { safetensors, torch_zip, torch_legacy, shard_index };

constexpr std::string_view format_name(TensorFormat format) {
  constexpr std::array<std::string_view, 4> names{"safetensors", "PyTorch (zip)",
                                                  "PyTorch (before 1.6)", "sharded"};
  return names[static_cast<std::size_t>(format)];
}

struct TensorOptions {
  SafetensorsOptions safetensors;
  TorchOptions torch;
};

/// The named tensors of a weights file of any format. They are read when asked for, straight from
/// the mapped file. A plain value: copies share the table and the mapping, which the last one ends.
/// All errors are std::runtime_error "file: tensor 'name': reason"; on error no output has changed.
/// Const use from several threads is safe. The file must not change meanwhile.
class TensorSource {
 public:
  /// Tensors that something else has found and checked. `label` stands for the file in messages.
  TensorSource(TensorTable table, std::string label, TensorFormat format)
      : shared_(std::make_shared<Shared>(std::move(table))),
        label_(std::move(label)),
        format_(format) {}

  const std::string& label() const { return label_; }
  TensorFormat format() const { return format_; }
  /// In the order of the file.
  const std::vector<StoredTensor>& tensors() const { return shared_->table.tensors; }
  /// Of a torch file: its numbers and texts by dotted path, as Python prints them.
  const TensorMetadata& metadata() const { return shared_->table.metadata; }
  /// Of a torch file: the values that are not read, each with the reason, in the order of the file.
  const std::vector<SkippedValue>& skipped() const { return shared_->table.skipped; }
  /// Of a torch file: the top-level entries that hold tensors, for select().
  const std::vector<TensorGroup>& groups() const { return shared_->table.groups; }
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Throws if there is no such tensor.
  const StoredTensor& tensor(std::string_view name) const {
    const StoredTensor* found = find(name);
    if (found == nullptr) {
      refuse_file(label_, "tensor ", in_quotes(name), ": is not among the ", tensors().size(),
                  " tensors of the file");
    }
    return *found;
  }

  /// The tensors whose names begin with `prefix` and a dot, without these: select("model") of a
  /// training checkpoint. Metadata and what is skipped stay whole. Throws if there are none.
  TensorSource select(std::string_view prefix) const {
    const std::string begin = concat(prefix, ".");
    TensorTable part{{}, metadata(), {}, skipped()};
    for (const StoredTensor& tensor : tensors()) {
      if (!tensor.name.starts_with(begin)) continue;
      part.tensors.push_back(tensor);
      part.tensors.back().name.erase(0, begin.size());
    }
    if (part.tensors.empty()) {
      std::string known;
      for (const TensorGroup& group : groups()) known += " " + in_quotes(group.name);
      refuse_file(label_, "holds no tensors under ", in_quotes(prefix),
                  known.empty() ? "" : "; there are", known);
    }
    return TensorSource(std::move(part), label_, format_);
  }

  /// The tensor in its own shape. Floats of any stored kind become Scalar (double rounds to float,
  /// overflow throws); integers and booleans must be stored as Scalar exactly.
  template <Storable Scalar, int Rank>
  Tensor<Scalar, Rank> read(std::string_view name) const {
    const StoredTensor& found = tensor(name);
    if (found.shape.size() != static_cast<std::size_t>(Rank)) {
      refuse_tensor(found, "has shape ", std::span<const Index>(found.shape), ", but rank ", Rank,
                    " was asked for");
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
      refuse_tensor(found, "has ", found.element_count(), " elements, but ", values.size(),
                    " were expected");
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
      refuse_tensor(found, "has shape ", std::span<const Index>(found.shape), ", but ", shape,
                    " was expected");
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
  /// What a file holds, and the order of its tensors by name.
  struct Shared {
    explicit Shared(TensorTable all) : table(std::move(all)), by_name(table.tensors.size()) {
      for (std::size_t i = 0; i < by_name.size(); ++i) by_name[i] = i;
      std::sort(by_name.begin(), by_name.end(), [this](std::size_t a, std::size_t b) {
        return table.tensors[a].name < table.tensors[b].name;
      });
    }
    TensorTable table;
    std::vector<std::size_t> by_name;
  };

  const StoredTensor* find(std::string_view name) const {
    const std::vector<StoredTensor>& tensors = shared_->table.tensors;
    const auto position = std::lower_bound(
        shared_->by_name.begin(), shared_->by_name.end(), name,
        [&](std::size_t i, std::string_view key) { return tensors[i].name < key; });
    if (position == shared_->by_name.end() || tensors[*position].name != name) return nullptr;
    return &tensors[*position];
  }

  /// Of several files, the one that holds the tensor is named.
  template <class... Parts>
  [[noreturn]] void refuse_tensor(const StoredTensor& tensor, const Parts&... parts) const {
    refuse_file(tensor.file ? tensor.file->name() : label_, "tensor ", in_quotes(tensor.name), ": ",
                parts...);
  }

  template <Storable Scalar>
  void check(const StoredTensor& tensor) const {
    if (!is_convertible<Scalar>(tensor.dtype)) {
      refuse_tensor(tensor, "is stored as ", dtype_name(tensor.dtype), ", which is not read as ",
                    dtype_name(dtype_of<Scalar>()));
    }
    if (const std::optional<Index> element = find_unreadable<Scalar>(tensor)) {
      refuse_tensor(tensor, "element ", *element, " is no value of ",
                    dtype_name(dtype_of<Scalar>()));
    }
  }

  std::shared_ptr<const Shared> shared_;
  std::string label_;
  TensorFormat format_;
};

namespace detail {

/// The length of the header that a safetensors file begins with, if it begins like one: white space
/// before the header is a mistake that its reader names.
inline std::optional<std::uint64_t> safetensors_header_bytes(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() <= sizeof(length)) return {};
  const std::string_view text = text_of_bytes(bytes.subspan(sizeof(length)));
  const std::size_t begin = text.substr(0, 64).find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return {};
  std::memcpy(&length, bytes.data(), sizeof(length));
  return length;
}

/// A safetensors file; SafetensorsReader reads the same without a mapping.
inline TensorTable read_safetensors_table(std::span<const std::byte> bytes,
                                          const std::string& label,
                                          const SafetensorsOptions& options) {
  const std::uint64_t length = safetensors_header_bytes(bytes).value_or(0);
  const auto begin = static_cast<std::size_t>(safetensors_data_begin(length, bytes.size(), label));
  const std::string_view json =
      text_of_bytes(bytes.subspan(sizeof(length), begin - sizeof(length)));
  const std::span<const std::byte> data = bytes.subspan(begin);
  SafetensorsHeader header = parse_header_of(label, json, data.size(), options);
  TensorTable table;
  table.metadata = std::move(header.metadata);
  table.tensors.reserve(header.entries.size());
  for (SafetensorsEntry& entry : header.entries) {
    table.tensors.push_back({std::move(entry.name),
                             entry.dtype,
                             std::move(entry.shape),
                             {},
                             data.subspan(static_cast<std::size_t>(entry.begin),
                                          static_cast<std::size_t>(entry.end - entry.begin)),
                             {}});
  }
  return table;
}

/// Tells the format by the content. A JSON text is taken for an index of shards.
inline TensorFormat recognize_format(std::span<const std::byte> bytes, const std::string& label) {
  const std::optional<std::uint64_t> header = safetensors_header_bytes(bytes);
  if (header && *header <= bytes.size() - sizeof(*header)) return TensorFormat::safetensors;
  if (is_torch_zip(bytes)) return TensorFormat::torch_zip;
  if (is_torch_legacy(bytes)) return TensorFormat::torch_legacy;
  const std::string_view text = text_of_bytes(bytes);
  const std::size_t begin = text.substr(0, 64).find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && text[begin] == '{') return TensorFormat::shard_index;
  if (text.starts_with("version https://git-lfs.github.com/spec/")) {
    refuse_file(label, "is a Git LFS pointer, not the weights: fetch them with git lfs pull");
  }
  if (header) return TensorFormat::safetensors;  // a broken one: its reader says what is wrong
  refuse_file(label, "is neither safetensors, nor a file of torch.save, nor an index of shards");
}

inline TensorTable read_table(std::span<const std::byte> bytes, const std::string& label,
                              TensorFormat format, const TensorOptions& options) {
  switch (format) {
    case TensorFormat::safetensors:
      return read_safetensors_table(bytes, label, options.safetensors);
    case TensorFormat::torch_zip:
      return read_torch_zip(bytes, label, options.torch);
    case TensorFormat::torch_legacy:
      return read_torch_legacy(bytes, label, options.torch);
    default:
      refuse_file(label, "is an index of shards, which only a file can be");
  }
}

inline TensorTable read_mapped(std::shared_ptr<const MappedFile> file, TensorFormat format,
                               const TensorOptions& options) {
  TensorTable table = read_table(file->bytes(), file->name(), format, options);
  for (StoredTensor& tensor : table.tensors) tensor.file = file;
  return table;
}

}  // namespace detail

/// Opens a weights file as published: safetensors, torch.save (both formats), or the index.json of
/// several such files in the same folder. The content tells which, not the name. All but the values
/// is checked; nothing in the file is executed. Throws std::runtime_error "file: ...: reason".
inline TensorSource open_tensors(const std::filesystem::path& path,
                                 const TensorOptions& options = {}) {
  const auto file = std::make_shared<const MappedFile>(path);
  const TensorFormat format = detail::recognize_format(file->bytes(), file->name());
  if (format != TensorFormat::shard_index) {
    return TensorSource(detail::read_mapped(file, format, options), file->name(), format);
  }
  const ShardIndex index = parse_shard_index(detail::text_of_bytes(file->bytes()), file->name());
  TensorTable table = read_shards(path, index, [&](const std::filesystem::path& shard) {
    if (!std::filesystem::is_regular_file(shard)) {
      refuse_file(file->name(), "shard ", in_quotes(shard.filename().string()),
                  ": is not a regular file");
    }
    const auto opened = std::make_shared<const MappedFile>(shard);
    const TensorFormat kind = detail::recognize_format(opened->bytes(), opened->name());
    if (kind == TensorFormat::shard_index) {
      refuse_file(file->name(), "shard ", in_quotes(shard.filename().string()),
                  ": is an index itself");
    }
    return detail::read_mapped(opened, kind, options);
  });
  return TensorSource(std::move(table), file->name(), format);
}

/// The same for weights in memory, which must outlive the source. `label` stands for the file.
inline TensorSource open_tensors(std::span<const std::byte> bytes,
                                 const std::string& label = "memory",
                                 const TensorOptions& options = {}) {
  const TensorFormat format = detail::recognize_format(bytes, label);
  return TensorSource(detail::read_table(bytes, label, format, options), label, format);
}

}  // namespace tessera::io
