#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/safetensors/table.hpp"
#include "tessera/io/source/shards.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/file.hpp"

namespace tessera::io {

struct TensorSource::Shared {
  explicit Shared(TensorTable all) : table(std::move(all)), by_name(table.tensors.size()) {
    for (std::size_t i = 0; i < by_name.size(); ++i) by_name[i] = i;
    std::sort(by_name.begin(), by_name.end(), [this](std::size_t a, std::size_t b) {
      return table.tensors[a].name < table.tensors[b].name;
    });
  }

  TensorTable table;
  std::vector<std::size_t> by_name;
};

TESSERA_INLINE TensorSource::TensorSource(TensorTable table, std::string label, TensorFormat format)
    : shared_(std::make_shared<Shared>(std::move(table))),
      label_(std::move(label)),
      format_(format) {}

TESSERA_INLINE const TensorTable& TensorSource::table() const { return shared_->table; }

TESSERA_INLINE const StoredTensor* TensorSource::find(std::string_view name) const {
  const std::vector<StoredTensor>& all = tensors();
  const auto position =
      std::lower_bound(shared_->by_name.begin(), shared_->by_name.end(), name,
                       [&](std::size_t i, std::string_view key) { return all[i].name < key; });
  if (position == shared_->by_name.end() || all[*position].name != name) return nullptr;
  return &all[*position];
}

TESSERA_INLINE const StoredTensor& TensorSource::tensor(std::string_view name) const {
  const StoredTensor* found = find(name);
  if (found == nullptr) {
    refuse_file(label_, "tensor ", in_quotes(name), ": is not among the ", tensors().size(),
                " tensors of the file");
  }
  return *found;
}

TESSERA_INLINE TensorSource TensorSource::select(std::string_view prefix) const {
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

namespace detail {

/// Refuses a tensor; of several files, the one that holds it is named.
template <class... Parts>
[[noreturn]] void refuse_tensor_of(const StoredTensor& tensor, const std::string& label,
                                   const Parts&... parts) {
  refuse_file(tensor.file ? tensor.file->name() : label, "tensor ", in_quotes(tensor.name), ": ",
              parts...);
}

}  // namespace detail

TESSERA_INLINE void TensorSource::refuse_shape(const StoredTensor& tensor,
                                               std::span<const Index> expected) const {
  detail::refuse_tensor_of(tensor, label_, "has shape ", std::span<const Index>(tensor.shape),
                           ", but ", expected, " was expected");
}

TESSERA_INLINE void TensorSource::refuse_rank(const StoredTensor& tensor, int rank) const {
  detail::refuse_tensor_of(tensor, label_, "has shape ", std::span<const Index>(tensor.shape),
                           ", but rank ", rank, " was asked for");
}

TESSERA_INLINE void TensorSource::refuse_count(const StoredTensor& tensor,
                                               std::size_t count) const {
  detail::refuse_tensor_of(tensor, label_, "has ", tensor.element_count(), " elements, but ", count,
                           " were expected");
}

TESSERA_INLINE void TensorSource::refuse_dtype(const StoredTensor& tensor, Dtype wanted) const {
  detail::refuse_tensor_of(tensor, label_, "is stored as ", dtype_name(tensor.dtype),
                           ", which is not read as ", dtype_name(wanted));
}

TESSERA_INLINE void TensorSource::refuse_element(const StoredTensor& tensor, Index element,
                                                 Dtype wanted) const {
  detail::refuse_tensor_of(tensor, label_, "element ", element, " is no value of ",
                           dtype_name(wanted));
}

namespace detail {

/// Tells the format by the content. A JSON text is taken for an index of shards.
TESSERA_INLINE TensorFormat recognize_format(std::span<const std::byte> bytes,
                                             const std::string& label) {
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

/// Reads a file of a format that is known.
TESSERA_INLINE TensorTable read_table(std::span<const std::byte> bytes, const std::string& label,
                                      TensorFormat format, const TensorOptions& options) {
  switch (format) {
    case TensorFormat::safetensors:
      return read_safetensors(bytes, label, options.safetensors);
    case TensorFormat::torch_zip:
      return read_torch_zip(bytes, label, options.torch);
    case TensorFormat::torch_legacy:
      return read_torch_legacy(bytes, label, options.torch);
    case TensorFormat::shard_index:
      break;
  }
  refuse_file(label, "is an index of shards, which only a file can be");
}

/// read_table of a mapped file; the tensors keep it.
TESSERA_INLINE TensorTable read_mapped(std::shared_ptr<const MappedFile> file, TensorFormat format,
                                       const TensorOptions& options) {
  TensorTable table = read_table(file->bytes(), file->name(), format, options);
  for (StoredTensor& tensor : table.tensors) tensor.file = file;
  return table;
}

}  // namespace detail

TESSERA_INLINE TensorSource open_tensors(const std::filesystem::path& path,
                                         const TensorOptions& options) {
  const auto file = std::make_shared<const MappedFile>(path, options.map);
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
    const auto opened = std::make_shared<const MappedFile>(shard, options.map);
    const TensorFormat kind = detail::recognize_format(opened->bytes(), opened->name());
    if (kind == TensorFormat::shard_index) {
      refuse_file(file->name(), "shard ", in_quotes(shard.filename().string()),
                  ": is an index itself");
    }
    return detail::read_mapped(opened, kind, options);
  });
  return TensorSource(std::move(table), file->name(), format);
}

TESSERA_INLINE TensorSource open_tensors(std::span<const std::byte> bytes, const std::string& label,
                                         const TensorOptions& options) {
  const TensorFormat format = detail::recognize_format(bytes, label);
  return TensorSource(detail::read_table(bytes, label, format, options), label, format);
}

}  // namespace tessera::io
