#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/options.hpp"
#include "tessera/io/torch/pickle_value.hpp"
#include "tessera/io/torch/tensor_view.hpp"
#include "tessera/io/torch/value_text.hpp"

namespace tessera::io {

struct TorchLimits {
  /// Bytes of all names of tensors and metadata texts together. Settings beyond it are left out.
  static constexpr std::size_t text_bytes = 8'000'000;
  static constexpr std::size_t metadata = 50'000;  // keys; settings beyond it are left out
  /// A tensor that repeats elements (stride 0) may have more of them than its storage, up to this.
  static constexpr Index repeated_elements = Index{1} << 20;
  /// Tensors may share storages, as tied weights do, and repeat elements. All of them together may
  /// have shared_times the bytes of the file and shared_bytes more.
  static constexpr std::uint64_t shared_times = 4;
  static constexpr std::uint64_t shared_bytes = std::uint64_t{16} << 20;
};

namespace detail {

/// Turns the values of a checkpoint into named tensors, metadata, and a list of what is left out.
class TorchTableBuilder {
 public:
  /// `storages` holds the bytes of every storage of the document, in its order; the file they are
  /// from has `file_bytes`, which bounds what tensors may hold together.
  TorchTableBuilder(const PickleDocument& document, const std::vector<StorageBytes>& storages,
                    const std::string& label, std::uint64_t file_bytes = 0,
                    const PickleOptions& options = {})
      : document_(document),
        storages_(storages),
        label_(label),
        file_bytes_(file_bytes),
        options_(options) {}

  TensorTable build() && {
    const PickleId root = document_.root;
    if (const auto* dict = document_.get<PickleDict>(content(root))) {
      if (module_state(root) != nullptr || is_left_out(root)) {
        add("", root);
      } else {
        for (const auto& [key, value] : dict->items) add_group(key, value);
      }
    } else {
      add(document_.get<PickleTensor>(root) ? "tensor" : "", root);
    }
    if (table_.tensors.empty() && !table_.skipped.empty() && table_.skipped[0].name.empty()) {
      refuse_file(label_, "holds one object, which is not read (", table_.skipped[0].reason,
                  "); save its state_dict() instead");
    }
    return std::move(table_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse_tensor(std::string_view name, const Parts&... parts) const {
    refuse_file(label_, "tensor ", in_quotes(name), ": ", parts...);
  }

  /// Notes that the value under `name` is not read.
  void skip(const std::string& name, const std::string& reason) {
    if (table_.skipped.size() == TensorLimits::skipped) {
      table_.skipped.push_back({name, "and more after it"});
    }
    if (table_.skipped.size() < TensorLimits::skipped) table_.skipped.push_back({name, reason});
  }

  bool is_left_out(PickleId id) const {
    return is_unknown_object(document_, id) && !options_.unknown_objects_as_data;
  }

  /// The part of an object that holds its values: its items, else its state, else its arguments.
  PickleId content(PickleId id) const {
    const auto* object = document_.get<PickleObject>(id);
    if (object == nullptr) return id;
    for (const PickleId part : {object->items, object->state}) {
      if (document_.get<PickleNone>(part) == nullptr) return part;
    }
    return object->arguments;
  }

  std::string class_of(PickleId id) const {
    const PickleGlobal* type = document_.global(document_.get<PickleObject>(id)->global);
    return type == nullptr ? "a call" : in_quotes(concat(type->module, ".", type->name));
  }

  /// The dictionary `key` of a module's state, or null.
  const PickleDict* member(PickleId state, std::string_view key) const {
    const std::optional<PickleId> found = document_.find(state, key);
    return found ? document_.get<PickleDict>(*found) : nullptr;
  }

  /// The state of an object that is a module of torch, whatever its class; null for any other
  /// value.
  const PickleId* module_state(PickleId id) const {
    const auto* object = document_.get<PickleObject>(id);
    if (object == nullptr || !is_unknown_object(document_, id)) return nullptr;
    const bool is_module = member(object->state, "_parameters") != nullptr &&
                           member(object->state, "_modules") != nullptr;
    return is_module ? &object->state : nullptr;
  }

  /// Adds what a module's state_dict() would hold.
  void add_module(const std::string& path, PickleId state) {
    std::set<std::string_view> not_saved;
    if (const auto names = document_.find(state, "_non_persistent_buffers_set")) {
      if (const auto* list = document_.get<PickleList>(*names)) {
        for (const PickleId id : list->items) {
          if (const auto* name = document_.get<std::string_view>(id)) not_saved.insert(*name);
        }
      }
    }
    for (const std::string_view key : {"_parameters", "_buffers", "_modules"}) {
      const PickleDict* members = member(state, key);
      if (members == nullptr) continue;
      for (const auto& [name, value] : members->items) {
        const auto* text = document_.get<std::string_view>(name);
        if (document_.get<PickleNone>(value) != nullptr) continue;
        if (key == "_buffers" && text != nullptr && not_saved.contains(*text)) continue;
        add_item(path, name, value);
      }
    }
  }

  void add_group(PickleId key, PickleId value) {
    const std::size_t before = table_.tensors.size();
    add_item("", key, value);
    const std::size_t tensors = table_.tensors.size() - before;
    const std::optional<std::string> name = key_text(document_, key);
    if (tensors > 0 && name && document_.get<PickleTensor>(value) == nullptr) {
      table_.groups.push_back({*name, static_cast<Index>(tensors)});
    }
  }

  void add_item(const std::string& path, PickleId key, PickleId value) {
    const std::optional<std::string> name = key_text(document_, key);
    const std::string_view last = name ? std::string_view(*name) : "(key)";
    if (path.size() + last.size() >= TensorLimits::name_bytes) {
      refuse_file(label_, "key ", in_quotes(last), ": names are limited to ",
                  TensorLimits::name_bytes, " bytes");
    }
    const std::string joined = concat(path, path.empty() ? "" : ".", last);
    if (!name && document_.get<PickleTensor>(value) != nullptr) {
      return skip(joined, "its key is neither a text nor a number");
    }
    add(joined, value);
  }

  /// Adds all that `id` holds under `path`. Recursion is as deep as the document, which is limited.
  void add(const std::string& path, PickleId id) {
    visits_ += 1 + pickle_child_count(document_[id]);
    if (const auto* object = document_.get<PickleObject>(id)) {  // whose state is searched
      visits_ += pickle_child_count(document_[object->state]);
    }
    if (visits_ > PickleLimits::expanded) {
      refuse_file(label_, "shared values unfold to more than ", PickleLimits::expanded);
    }
    if (const auto* left_out = document_.get<PickleLeftOut>(id)) {
      return skip(path, document_.reasons[left_out->reason]);
    }
    if (const PickleId* state = module_state(id)) return add_module(path, *state);
    if (is_left_out(id)) return skip(path, concat("made by ", class_of(id)));
    id = content(id);
    if (document_.get<PickleTensor>(id)) return add_tensor(path, id);
    if (const auto text = value_text(document_, id, TorchLimits::text_bytes)) {
      return add_metadata(path, *text);
    }
    if (const auto* dict = document_.get<PickleDict>(id)) {
      for (const auto& [key, value] : dict->items) add_item(path, key, value);
    } else {
      for (std::size_t i = 0; i < pickle_child_count(document_[id]); ++i) {
        const std::string number = std::to_string(i);
        add(path.empty() ? number : path + "." + number, pickle_child(document_[id], i));
      }
    }
  }

  void add_metadata(const std::string& path, const std::string& text) {
    if (table_.metadata.size() == TorchLimits::metadata) {
      return skip(path, concat("a setting beyond the limit of ", TorchLimits::metadata));
    }
    if (text_bytes_ + path.size() + text.size() > TorchLimits::text_bytes) {
      return skip(path, concat("settings and names would take more than ", TorchLimits::text_bytes,
                               " bytes"));
    }
    text_bytes_ += path.size() + text.size();
    table_.metadata.emplace(path, text);
  }

  void add_tensor(const std::string& name, PickleId id) {
    const auto& tensor = *document_.get<PickleTensor>(id);
    StoredTensor view = view_storage(document_, tensor, storages_[tensor.storage], name, label_);
    const StorageBytes storage = storages_[tensor.storage];
    const Index size = dtype_size(view.dtype);
    const Index elements = view.element_count();
    const Index room = static_cast<Index>(storage.size()) / size;
    if (elements > std::max(room, TorchLimits::repeated_elements)) {
      return skip(name, concat("shape ", std::span<const Index>(view.shape),
                               " repeats a storage of ", room, " elements too often"));
    }
    tensor_bytes_ += static_cast<std::uint64_t>(elements * size);  // no overflow: see above
    if (tensor_bytes_ > TorchLimits::shared_times * file_bytes_ + TorchLimits::shared_bytes) {
      refuse_tensor(name, "the tensors so far have ", tensor_bytes_,
                    " bytes, too many for a file of ", file_bytes_, " whose storages they share");
    }
    text_bytes_ += name.size();
    if (text_bytes_ > TorchLimits::text_bytes) {
      refuse_file(label_, "names and metadata take more than ", TorchLimits::text_bytes, " bytes");
    }
    if (!names_.insert(name).second) refuse_tensor(name, "occurs twice");
    table_.tensors.push_back(std::move(view));
  }

  const PickleDocument& document_;
  const std::vector<StorageBytes>& storages_;
  const std::string& label_;
  const std::uint64_t file_bytes_;
  const PickleOptions options_;
  TensorTable table_;
  std::set<std::string, std::less<>> names_;
  std::size_t text_bytes_ = 0;
  std::size_t visits_ = 0;
  std::uint64_t tensor_bytes_ = 0;
};

}  // namespace detail

}  // namespace tessera::io
