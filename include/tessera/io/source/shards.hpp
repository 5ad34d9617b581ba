#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/json/strict_handler.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// Bounds of an index; one that holds more is refused.
struct ShardLimits {
  static constexpr std::size_t index_bytes = 8'000'000;
  static constexpr std::size_t text_bytes = 2'000'000;  // of one text or number
  static constexpr std::size_t shards = 4096;
  static constexpr std::size_t tensors = 50'000;
  static constexpr std::size_t metadata = 10'000;           // keys
  static constexpr std::size_t metadata_bytes = 8'000'000;  // of index and shards together
};

/// A model.safetensors.index.json or pytorch_model.bin.index.json: which file has which tensor.
struct ShardIndex {
  TensorMetadata metadata;                                  // numbers as text
  std::map<std::string, std::string, std::less<>> file_of;  // by name of the tensor
};

namespace detail {

/// A name in the folder of the index and nowhere else.
inline void check_shard_name(std::string_view name, const std::string& label) {
  const auto refuse = [&](std::string_view reason) {
    refuse_file(label, "shard ", in_quotes(name), ": ", reason);
  };
  if (name.empty()) refuse("has no name");
  if (name.size() > 255) refuse("name is longer than 255 bytes");
  if (name == "." || name == "..") refuse("is no file");
  for (const char letter : name) {
    if (letter == '/' || letter == '\\' || letter == ':') refuse("name leads out of the folder");
    if (static_cast<unsigned char>(letter) < 0x20) refuse("name holds a control character");
  }
}

/// Receives the JSON piece by piece and refuses all that is not
/// {"metadata": {text: scalar}, "weight_map": {text: text}} the moment it appears.
class ShardIndexHandler final : public StrictJsonHandler {
 public:
  explicit ShardIndexHandler(const std::string& label) : label_(label) {}

  ShardIndex take() && {
    if (!has_map_) refuse("weight_map is missing");
    return std::move(index_);
  }

  void start_object() override {
    switch (place_) {
      case Place::file:
        place_ = Place::index;
        break;
      case Place::index:
        place_ = key_ == "metadata" ? Place::metadata : Place::map;
        break;
      case Place::metadata:
      case Place::map:
        refuse_value("an object");
    }
  }

  void key(std::string& name) override {
    switch (place_) {
      case Place::index:
        check_field(name);
        break;
      case Place::metadata:
        check_metadata_key(name);
        break;
      case Place::file:
      case Place::map:
        check_tensor(name);
    }
    key_ = name;
  }

  void string(std::string& text) override {
    if (place_ != Place::map) return add_metadata(text, "a string");
    check_shard_name(text, label_);
    if (shards_.insert(text).second && shards_.size() > ShardLimits::shards) {
      refuse("more than ", ShardLimits::shards, " shards");
    }
    index_.file_of.emplace(key_, text);
  }

  void number_unsigned(std::uint64_t value) override {
    add_metadata(std::to_string(value), "a number");
  }
  void number_integer(std::int64_t value) override {
    add_metadata(std::to_string(value), "a number");
  }
  void number_float(double value) override { add_metadata(concat(value), "a number"); }
  void boolean(bool value) override { add_metadata(value ? "True" : "False", "a boolean"); }
  void null() override { add_metadata("None", "null"); }

  void end_object() override { place_ = place_ == Place::index ? Place::file : Place::index; }

  [[noreturn]] void too_long() override {
    refuse("holds a text or number of more than ", ShardLimits::text_bytes, " bytes");
  }
  [[noreturn]] void syntax_error(std::size_t position) override {
    refuse("is not JSON in UTF-8 (stopped at byte ", position, ")");
  }

 private:
  enum class Place { file, index, metadata, map };

  void check_field(std::string_view name) {
    if (name != "metadata" && name != "weight_map") refuse("unknown field ", in_quotes(name));
    bool& seen = name == "metadata" ? has_metadata_ : has_map_;
    if (seen) refuse("field ", in_quotes(name), " occurs twice");
    seen = true;
  }

  void check_metadata_key(std::string_view name) const {
    if (index_.metadata.size() == ShardLimits::metadata) {
      refuse("metadata: more than ", ShardLimits::metadata, " keys");
    }
    if (index_.metadata.contains(name)) refuse("metadata ", in_quotes(name), ": occurs twice");
  }

  void check_tensor(std::string_view name) const {
    if (index_.file_of.size() == ShardLimits::tensors) {
      refuse("more than ", ShardLimits::tensors, " tensors");
    }
    if (name.size() > TensorLimits::name_bytes) {
      refuse("tensor ", in_quotes(name), ": names are limited to ", TensorLimits::name_bytes,
             " bytes");
    }
    if (index_.file_of.contains(name)) refuse("tensor ", in_quotes(name), ": occurs twice");
  }

  void add_metadata(std::string text, std::string_view kind) {
    if (place_ != Place::metadata) refuse_value(kind);
    index_.metadata.emplace(key_, std::move(text));
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    refuse_file(label_, parts...);
  }

  [[noreturn]] void refuse_value(std::string_view kind) const override {
    if (place_ == Place::file) refuse(kind, " has no place here");
    refuse(place_ == Place::map ? "tensor " : "field ", in_quotes(key_), ": ", kind,
           " has no place here");
  }

  const std::string& label_;
  ShardIndex index_;
  std::set<std::string, std::less<>> shards_;
  Place place_ = Place::file;
  std::string key_;
  bool has_metadata_ = false;
  bool has_map_ = false;
};

/// The file that the link or file `name` of `folder` stands for. It must lie in that folder. Only
/// the download cache of the Hugging Face hub may keep it elsewhere: snapshots/<revision>/ holds
/// links to ../../blobs/<sum>.
inline std::filesystem::path resolve_shard(const std::filesystem::path& folder,
                                           const std::string& name, const std::string& label) {
  std::error_code error;
  const std::filesystem::path home = std::filesystem::canonical(folder, error);
  const std::filesystem::path target =
      error ? home : std::filesystem::canonical(folder / name, error);
  if (error) refuse_file(label, "shard ", in_quotes(name), ": ", error.message());
  const bool in_hub_cache = home.parent_path().filename() == "snapshots" &&
                            target.parent_path() == home.parent_path().parent_path() / "blobs";
  if (target.parent_path() != home && !in_hub_cache) {
    refuse_file(label, "shard ", in_quotes(name), ": is a link that leads out of the folder");
  }
  return target;
}

/// Adds the keys of a shard that are not there yet. Throws if they become too many.
inline void merge_metadata(TensorMetadata& joined, TensorMetadata& shard,
                           const std::string& label) {
  joined.merge(shard);
  std::size_t bytes = 0;
  for (const auto& [key, value] : joined) bytes += key.size() + value.size();
  if (joined.size() > ShardLimits::metadata || bytes > ShardLimits::metadata_bytes) {
    refuse_file(label, "metadata of the shards: more than ", ShardLimits::metadata, " keys or ",
                ShardLimits::metadata_bytes, " bytes");
  }
}

}  // namespace detail

/// Parses an index. `label` stands for the file in messages. Throws std::runtime_error.
inline ShardIndex parse_shard_index(std::string_view json, const std::string& label = "memory") {
  if (json.size() > ShardLimits::index_bytes) {
    refuse_file(label, "has ", json.size(), " bytes; the limit is ", ShardLimits::index_bytes);
  }
  if (json.find('\0') != std::string_view::npos) refuse_file(label, "holds a zero byte");
  detail::ShardIndexHandler handler(label);
  read_json(json, handler, ShardLimits::text_bytes);
  return std::move(handler).take();
}

/// Reads the shards that the index at `path` names, through open(path of shard) -> TensorTable, and
/// joins them. Each must hold exactly the tensors that the index says. Throws std::runtime_error.
template <class Open>
TensorTable read_shards(const std::filesystem::path& path, const ShardIndex& index,
                        const Open& open) {
  const std::string label = path.string();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::map<std::string_view, std::set<std::string_view>> shards;
  for (const auto& [tensor, file] : index.file_of) shards[file].insert(tensor);
  std::vector<std::filesystem::path> paths;  // every name is checked before any file is opened
  for (const auto& [file, names] : shards) {
    paths.push_back(detail::resolve_shard(folder, std::string(file), label));
  }

  TensorTable joined{{}, index.metadata, {}, {}};
  std::size_t next = 0;
  for (const auto& [file, names] : shards) {
    TensorTable shard = open(paths[next++]);
    const auto refuse = [&, shard_name = file](std::string_view tensor, std::string_view reason) {
      refuse_file(label, "tensor ", in_quotes(tensor), ": ", reason, " shard ",
                  in_quotes(shard_name));
    };
    std::set<std::string_view> found;
    for (const StoredTensor& tensor : shard.tensors) {
      if (!names.contains(tensor.name)) {
        refuse(tensor.name, index.file_of.contains(tensor.name) ? "also stands in"
                                                                : "is not in the index, but in");
      }
      found.insert(tensor.name);
    }
    for (const std::string_view name : names) {
      if (!found.contains(name)) refuse(name, "is not in its");
    }
    for (StoredTensor& tensor : shard.tensors) joined.tensors.push_back(std::move(tensor));
    for (SkippedValue& value : shard.skipped) {
      if (joined.skipped.size() <= TensorLimits::skipped) {
        joined.skipped.push_back(std::move(value));
      }
    }
    detail::merge_metadata(joined.metadata, shard.metadata, label);
  }
  return joined;
}

}  // namespace tessera::io
