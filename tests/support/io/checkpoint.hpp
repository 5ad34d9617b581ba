#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "support/fixture.hpp"
#include "support/io/files.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/safetensors/writer.hpp"

namespace tessera::io::test {

using tessera::test::Fixture;

/// A folder of tests/golden/checkpoints: a file as a real package wrote it, and what that package
/// computes from it.
class Case {
 public:
  explicit Case(const std::string& name)
      : expected("checkpoints/" + name + "/expected"), name_(name) {}

  const Fixture expected;

  const std::string& name() const { return name_; }
  std::filesystem::path folder() const { return golden / "checkpoints" / name_; }

  /// The file to open: weights, or the index of their shards.
  std::filesystem::path path() const {
    std::istringstream files(expected.text("files"));
    std::filesystem::path found;
    for (std::string file; files >> file;) {
      if (file.ends_with(".index.json")) return folder() / file;
      if (!file.ends_with(".json")) found = folder() / file;
    }
    return found;
  }

  /// What the fixture says that the file does not.
  CheckpointOptions options() const {
    CheckpointOptions options;
    const bool decoder =
        kind() != "encoder" && kind() != "lightly" && kind() != "dinov2" && kind() != "mae_encoder";
    if (expected.text("heads_from") == "asked") {
      if (kind() != "decoder") options.num_heads = expected.integer("num_heads");
      if (decoder) options.decoder_num_heads = expected.integer("decoder_num_heads");
    }
    if (expected.text("grid_from") == "asked") {
      options.image_size = {expected.integer("image_height"), expected.integer("image_width")};
    }
    if (kind() == "mae" && !tells_norm_pix()) {
      options.norm_pix_loss = expected.flag("norm_pix_loss");
    }
    return options;
  }

  bool tells_norm_pix() const {
    return name_.starts_with("mae_training") || name_.starts_with("hf_");
  }
  std::string kind() const { return expected.text("kind"); }
  std::string naming() const { return expected.text("naming"); }

  Checkpoint open() const { return open_checkpoint(path(), options()); }

 private:
  std::string name_;
};

/// The tensors of a file, to be changed and written again.
struct EditedFile {
  struct Values {
    std::vector<Index> shape;
    std::vector<float> values;
  };
  std::map<std::string, Values> tensors;
  TensorMetadata metadata;

  EditedFile() = default;
  explicit EditedFile(const TensorSource& source) {
    for (const StoredTensor& tensor : source.tensors()) {
      Values copy{tensor.shape,
                  std::vector<float>(static_cast<std::size_t>(tensor.element_count()))};
      source.read_into(tensor.name, std::span(copy.values));
      tensors[tensor.name] = std::move(copy);
    }
  }
  explicit EditedFile(const std::string& name) : EditedFile(open_tensors(Case(name).path())) {}

  void add(const std::string& name, std::vector<Index> shape) {
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    tensors[name] = {std::move(shape), std::vector<float>(static_cast<std::size_t>(count), 0.5F)};
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = tensors.extract(from);
    node.key() = to;
    tensors.insert(std::move(node));
  }

  std::filesystem::path write(const std::filesystem::path& path) const {
    SafetensorsWriter writer;
    for (const auto& [name, tensor] : tensors) {
      writer.add<float>(name, tensor.shape, tensor.values);
    }
    for (const auto& [key, value] : metadata) writer.add_metadata(key, value);
    writer.write(path);
    return path;
  }
};

inline std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden / "checkpoints")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tessera::io::test
