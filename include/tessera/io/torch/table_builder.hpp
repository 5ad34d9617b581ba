#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io {

struct TorchLimits {
  /// Bytes of all names and metadata texts together.
  static constexpr std::size_t text_bytes = 8'000'000;
  static constexpr std::size_t metadata = 50'000;  // keys
  /// A tensor that repeats elements (stride 0) may have more of them than its storage, up to this.
  static constexpr Index repeated_elements = Index{1} << 20;
  /// Tensors may share storages, as tied weights do, and repeat elements. All of them together may
  /// have shared_times the bytes of the file and shared_bytes more.
  static constexpr std::uint64_t shared_times = 4;
  static constexpr std::uint64_t shared_bytes = std::uint64_t{16} << 20;
};

namespace detail {

using StorageBytes = std::span<const std::byte>;

/// Turns the values of a checkpoint into named tensors and metadata.
class TorchTableBuilder {
 public:
  /// `storages` holds the bytes of every storage of the document, in its order; the file they are
  /// from has `file_bytes`, which bounds what tensors may hold together.
  TorchTableBuilder(const PickleDocument& document, const std::vector<StorageBytes>& storages,
                    const std::string& label, std::uint64_t file_bytes = 0)
      : document_(document), storages_(storages), label_(label), file_bytes_(file_bytes) {}

  TensorTable build() && {
    const PickleId root = content(document_.root);
    if (const auto* dict = document_.get<PickleDict>(root)) {
      for (const auto& [key, value] : dict->items) {
        const std::size_t before = table_.tensors.size();
        add_item("", key, value);
        const std::size_t tensors = table_.tensors.size() - before;
        const std::optional<std::string> name = key_text(key);
        if (tensors > 0 && name && document_.get<PickleTensor>(value) == nullptr) {
          table_.groups.push_back({*name, static_cast<Index>(tensors)});
        }
      }
    } else {
      add(document_.get<PickleTensor>(root) ? "tensor" : "", root);
    }
    return std::move(table_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse_tensor(std::string_view name, const Parts&... parts) const {
    refuse_file(label_, "tensor ", in_quotes(name), ": ", parts...);
  }

  /// What is shown of an object: its state, else its arguments.
  PickleId content(PickleId id) const {
    const auto* object = document_.get<PickleObject>(id);
    if (object == nullptr) return id;
    return document_.get<PickleNone>(object->state) ? object->arguments : object->state;
  }

  bool is_opaque(PickleId id) const {
    const auto* object = document_.get<PickleObject>(id);
    if (object == nullptr) return false;
    const auto* type = document_.get<PickleGlobalRef>(object->global);
    return document_.globals[type->index].kind == PickleGlobalKind::opaque;
  }

  void add_item(const std::string& path, PickleId key, PickleId value) {
    const std::optional<std::string> name = key_text(key);
    const std::string_view last = name ? std::string_view(*name) : "(key)";
    if (path.size() + last.size() >= TensorLimits::name_bytes) {
      refuse_file(label_, "key ", in_quotes(last), ": names are limited to ",
                  TensorLimits::name_bytes, " bytes");
    }
    const std::string joined = concat(path, path.empty() ? "" : ".", last);
    const std::size_t before = table_.tensors.size();
    add(joined, value);
    if (!name && table_.tensors.size() > before) {
      refuse_tensor(joined, "its key is neither a text nor a number");
    }
  }

  /// Adds all that `id` holds under `path`. Recursion is as deep as the document, which is limited.
  void add(const std::string& path, PickleId id) {
    if (is_opaque(id)) return;
    id = content(id);
    if (document_.get<PickleTensor>(id)) return add_tensor(path, id);
    if (const std::optional<std::string> text = value_text(id)) return add_metadata(path, *text);
    if (const auto* dict = document_.get<PickleDict>(id)) {
      for (const auto& [key, value] : dict->items) add_item(path, key, value);
    } else {
      for (std::size_t i = 0; i < pickle_child_count(document_[id]); ++i) {
        const std::string number = std::to_string(i);
        add(path.empty() ? number : path + "." + number, pickle_child(document_[id], i));
      }
    }
  }

  void count_text(std::size_t bytes) {
    text_bytes_ += bytes;
    if (text_bytes_ > TorchLimits::text_bytes) refuse_texts();
  }
  [[noreturn]] void refuse_texts() const {
    refuse_file(label_, "names and metadata take more than ", TorchLimits::text_bytes, " bytes");
  }

  void add_metadata(const std::string& path, const std::string& text) {
    count_text(path.size() + text.size());
    if (table_.metadata.size() == TorchLimits::metadata) {
      refuse_file(label_, "holds more than ", TorchLimits::metadata, " settings");
    }
    table_.metadata.emplace(path, text);
  }

  /// As Python prints it; nothing for what is no plain value or a list of plain values.
  std::optional<std::string> value_text(PickleId id) {
    if (std::optional<std::string> text = scalar_text(id)) return text;
    const bool is_list =
        document_.get<PickleList>(id) != nullptr || document_.get<PickleTuple>(id) != nullptr;
    if (!is_list) return std::nullopt;
    std::string joined = "[";
    for (std::size_t i = 0; i < pickle_child_count(document_[id]); ++i) {
      const std::optional<std::string> text = scalar_text(pickle_child(document_[id], i));
      if (!text) return std::nullopt;
      if (joined.size() + text->size() > TorchLimits::text_bytes) refuse_texts();
      joined += (i > 0 ? ", " : "") + *text;
    }
    return joined + "]";
  }

  std::optional<std::string> scalar_text(PickleId id) const {
    const PickleValue& value = document_[id];
    if (std::holds_alternative<PickleNone>(value)) return "None";
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    if (const auto* number = std::get_if<double>(&value)) {
      const std::string text = number_text(*number);
      return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    if (const auto* global = std::get_if<PickleGlobalRef>(&value)) {
      const PickleGlobal& named = document_.globals[global->index];
      return concat(named.module, ".", named.name);
    }
    return std::nullopt;
  }

  std::optional<std::string> key_text(PickleId key) const {
    if (document_.get<std::string_view>(key) || document_.get<std::int64_t>(key)) {
      return scalar_text(key);
    }
    return std::nullopt;
  }

  std::vector<Index> numbers(PickleId tuple) const {
    std::vector<Index> found;
    for (const PickleId id : document_.get<PickleTuple>(tuple)->items) {
      found.push_back(static_cast<Index>(*document_.get<std::int64_t>(id)));
    }
    return found;
  }

  void add_tensor(const std::string& name, PickleId id) {
    count_text(name.size());
    if (!names_.insert(name).second) refuse_tensor(name, "occurs twice");
    const auto& stored = *document_.get<PickleTensor>(id);
    StoredTensor tensor{name, stored.dtype, numbers(stored.shape), numbers(stored.strides), {}, {}};
    const Index size = dtype_size(tensor.dtype);
    const StorageBytes bytes = storages_[stored.storage];
    const Index room = static_cast<Index>(bytes.size()) / size;
    const Index extent = element_extent(tensor, stored.offset, room);
    tensor.bytes = bytes.subspan(static_cast<std::size_t>(stored.offset * size),
                                 static_cast<std::size_t>(extent * size));
    if (is_row_major(tensor)) tensor.strides.clear();
    count_bytes(static_cast<std::uint64_t>(tensor.element_count() * size), name);
    table_.tensors.push_back(std::move(tensor));
  }

  /// A tensor has at most as many elements as its storage, or repeated_elements: no overflow.
  void count_bytes(std::uint64_t bytes, const std::string& name) {
    tensor_bytes_ += bytes;
    if (tensor_bytes_ > TorchLimits::shared_times * file_bytes_ + TorchLimits::shared_bytes) {
      refuse_tensor(name, "the tensors so far have ", tensor_bytes_,
                    " bytes, too many for a file of ", file_bytes_, " whose storages they share");
    }
  }

  /// Elements from the first to the last that the tensor touches in a storage of `room` elements.
  Index element_extent(const StoredTensor& tensor, Index offset, Index room) const {
    const std::span<const Index> shape(tensor.shape);
    const std::span<const Index> strides(tensor.strides);
    const auto refuse = [&](const auto&... parts) { refuse_tensor(tensor.name, parts...); };
    if (shape.size() != strides.size()) {
      refuse("shape ", shape, " and strides ", strides, " differ in length");
    }
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] < 0 || static_cast<std::uint64_t>(shape[axis]) > TensorLimits::dimension) {
        refuse("shape ", shape, " has a size that is negative or above the limit");
      }
      if (strides[axis] < 0) refuse("strides ", strides, " are negative");
    }
    const std::optional<std::uint64_t> count = byte_count(shape, Dtype::u8);
    if (!count) refuse("shape ", shape, " has too many elements");
    if (offset < 0 || offset > room) {
      refuse("begins at element ", offset, " of a storage of ", room);
    }
    if (*count == 0) return 0;
    Index last = offset;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      Index step = 0;
      if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &step) ||
          __builtin_add_overflow(last, step, &last)) {
        last = std::numeric_limits<Index>::max();
        break;
      }
    }
    if (last >= room) {
      refuse("shape ", shape, " with strides ", strides, " from element ", offset,
             " on leaves its storage of ", room, " elements");
    }
    const auto elements = static_cast<Index>(*count);
    if (elements > std::max(room, TorchLimits::repeated_elements)) {
      refuse("shape ", shape, " repeats a storage of ", room, " elements too often");
    }
    return last - offset + 1;
  }

  static bool is_row_major(const StoredTensor& tensor) {
    Index expected = 1;
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
      if (tensor.shape[axis] == 0) return true;
      if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
      expected *= tensor.shape[axis];
    }
    return true;
  }

  const PickleDocument& document_;
  const std::vector<StorageBytes>& storages_;
  const std::string& label_;
  const std::uint64_t file_bytes_;
  TensorTable table_;
  std::set<std::string, std::less<>> names_;
  std::size_t text_bytes_ = 0;
  std::uint64_t tensor_bytes_ = 0;
};

}  // namespace detail

}  // namespace tessera::io
