#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/options.hpp"
#include "tessera/io/torch/pickle_reader.hpp"
#include "tessera/io/torch/table_builder.hpp"
#include "tessera/io/torch/zip_directory.hpp"

namespace tessera::io {

namespace detail {

/// The part of a storage's bytes that one mention of it stands for.
inline StorageBytes storage_part(const PickleStorage& storage, StorageBytes whole,
                                 const std::string& label) {
  if (storage.element_bytes() == 0) return whole;  // no tensor is read from it
  Index bytes = 0;
  if (__builtin_mul_overflow(storage.count, storage.element_bytes(), &bytes) ||
      static_cast<std::uint64_t>(bytes) != whole.size()) {
    refuse_file(label, "storage ", in_quotes(storage.key), ": ", storage.count, " elements of ",
                storage.element_bytes(), " bytes were announced, but ", whole.size(),
                " bytes are there");
  }
  return whole.subspan(static_cast<std::size_t>(storage.view_offset * storage.element_bytes()),
                       static_cast<std::size_t>(storage.view_count * storage.element_bytes()));
}

inline std::string_view text_of_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One pickle after the other, and raw memory: the bytes of a file from before torch 1.6.
class LegacyTorchReader {
 public:
  LegacyTorchReader(std::span<const std::byte> bytes, const std::string& label,
                    const TorchOptions& options)
      : rest_(bytes), file_bytes_(bytes.size()), label_(label), options_(options) {}

  TensorTable read() && {
    check_head();
    const PickleDocument content = next_pickle();
    const PickleDocument keys = next_pickle();
    const std::map<std::string_view, StorageBytes> by_key = read_storages(content, keys);
    if (!rest_.empty()) refuse_file(label_, rest_.size(), " bytes follow the last storage");
    std::vector<StorageBytes> storages;
    for (const PickleStorage& storage : content.storages) {
      const auto found = by_key.find(storage.key);
      if (found == by_key.end()) {
        refuse_file(label_, "storage ", in_quotes(storage.key), ": is not in the file");
      }
      storages.push_back(storage_part(storage, found->second, label_));
    }
    return TorchTableBuilder(content, storages, label_, file_bytes_, options_.pickle).build();
  }

 private:
  PickleDocument next_pickle() {
    PickleDocument document = read_pickle(rest_, label_);
    rest_ = rest_.subspan(document.bytes);
    return document;
  }

  void check_head() {
    (void)next_pickle();  // the magic number, by which the caller recognized the file
    const PickleDocument version = next_pickle();
    const auto* protocol = version.get<std::int64_t>(version.root);
    if (protocol == nullptr || *protocol != 1001) {
      refuse_file(label_, "is no torch file of protocol 1001");
    }
    const PickleDocument system = next_pickle();
    const std::optional<PickleId> endian = system.find(system.root, "little_endian");
    const bool* little = endian ? system.get<bool>(*endian) : nullptr;
    if (little == nullptr || !*little) {
      refuse_file(label_, "was not written by a little-endian machine");
    }
  }

  /// Each storage is its number of elements and then these; the size of one is in `content`.
  std::map<std::string_view, StorageBytes> read_storages(const PickleDocument& content,
                                                         const PickleDocument& keys) {
    std::map<std::string_view, Index> element_bytes;
    for (const PickleStorage& storage : content.storages) {
      element_bytes.emplace(storage.key, storage.element_bytes());
    }
    const auto* list = keys.get<PickleList>(keys.root);
    if (list == nullptr) refuse_file(label_, "has no list of storages");
    std::map<std::string_view, StorageBytes> found;
    for (const PickleId id : list->items) {
      const auto* key = keys.get<std::string_view>(id);
      if (key == nullptr) refuse_file(label_, "a storage has no key");
      const auto refuse = [&](const auto&... parts) {
        refuse_file(label_, "storage ", in_quotes(*key), ": ", parts...);
      };
      const auto size = element_bytes.find(*key);
      if (size == element_bytes.end()) refuse("no tensor uses it");
      if (size->second == 0) refuse("the size of its elements is not known");
      Index count = 0;
      if (rest_.size() < sizeof(count)) refuse("its size is cut off");
      std::memcpy(&count, rest_.data(), sizeof(count));
      rest_ = rest_.subspan(sizeof(count));
      Index bytes = 0;
      if (count < 0 || __builtin_mul_overflow(count, size->second, &bytes) ||
          static_cast<std::uint64_t>(bytes) > rest_.size()) {
        refuse(count, " elements of ", size->second, " bytes do not fit the ", rest_.size(),
               " bytes left");
      }
      if (!found.emplace(*key, rest_.first(static_cast<std::size_t>(bytes))).second) {
        refuse("occurs twice");
      }
      rest_ = rest_.subspan(static_cast<std::size_t>(bytes));
    }
    return found;
  }

  std::span<const std::byte> rest_;
  const std::uint64_t file_bytes_;
  const std::string& label_;
  const TorchOptions& options_;
};

}  // namespace detail

/// True for bytes that begin as a zip archive, the format of torch.save since version 1.6.
inline bool is_torch_zip(std::span<const std::byte> bytes) {
  return detail::text_of_bytes(bytes).starts_with("PK\3\4");
}

/// True for bytes that begin as files of older versions of torch: with a pickled magic number.
inline bool is_torch_legacy(std::span<const std::byte> bytes) {
  constexpr std::array<unsigned char, 12> magic{0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46,
                                                0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};
  return bytes.size() >= 14 && bytes[0] == std::byte{0x80} &&
         std::memcmp(bytes.data() + 2, magic.data(), magic.size()) == 0;
}

/// Reads a zip archive of torch.save. The table's tensors view `bytes`.
inline TensorTable read_torch_zip(std::span<const std::byte> bytes,
                                  const std::string& label = "memory",
                                  const TorchOptions& options = {}) {
  const ZipDirectory zip(bytes, label, options.zip);
  constexpr std::string_view pickle_name = "data.pkl";
  std::string prefix;
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& entry : zip.entries()) {
    const std::string_view folder =
        entry.name.substr(0, entry.name.size() - std::min(pickle_name.size(), entry.name.size()));
    if (!entry.name.ends_with(pickle_name) || (!folder.empty() && folder.back() != '/')) continue;
    if (pickle != nullptr) refuse_file(label, "zip: holds more than one data.pkl");
    pickle = &entry;
    prefix = folder;
  }
  if (pickle == nullptr) refuse_file(label, "is a zip archive, but not one of torch: no data.pkl");
  // Files from before torch 2.1 have no such record; all of them are little-endian in practice.
  if (const ZipEntry* order = zip.find(prefix + "byteorder")) {
    if (detail::text_of_bytes(order->bytes) != "little") {
      refuse_file(label, "byte order is ", in_quotes(detail::text_of_bytes(order->bytes)),
                  ", not 'little'");
    }
  }
  const PickleDocument document = read_pickle(pickle->bytes, label);
  std::vector<detail::StorageBytes> storages;
  for (const PickleStorage& storage : document.storages) {
    const ZipEntry* entry = zip.find(concat(prefix, "data/", storage.key));
    if (entry == nullptr) {
      refuse_file(label, "storage ", in_quotes(storage.key), ": is not in the archive");
    }
    storages.push_back(detail::storage_part(storage, entry->bytes, label));
  }
  return detail::TorchTableBuilder(document, storages, label, bytes.size(), options.pickle).build();
}

/// Reads a file of torch.save from before version 1.6, or without its new format.
inline TensorTable read_torch_legacy(std::span<const std::byte> bytes,
                                     const std::string& label = "memory",
                                     const TorchOptions& options = {}) {
  if (!is_torch_legacy(bytes)) refuse_file(label, "does not begin as a file of torch");
  return detail::LegacyTorchReader(bytes, label, options).read();
}

/// Reads what torch.save wrote (`.pth`, `.pth.tar`, `.pt`, `.bin`), in either format. Tensors are
/// named by the dotted path of keys that leads to them ("model.blocks.0.norm1.weight"); texts,
/// numbers and lists of them become metadata ("args.norm_pix_loss": "True"). The file is data:
/// nothing in it is called. Throws std::runtime_error naming `label`, the place and the reason.
inline TensorTable read_torch_file(std::span<const std::byte> bytes,
                                   const std::string& label = "memory",
                                   const TorchOptions& options = {}) {
  if (is_torch_zip(bytes)) return read_torch_zip(bytes, label, options);
  if (is_torch_legacy(bytes)) return read_torch_legacy(bytes, label, options);
  refuse_file(label, "is no file of torch.save: neither a zip archive nor the older format");
}

}  // namespace tessera::io
