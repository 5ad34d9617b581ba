#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// The weights that `path` stands for: itself, or of a folder the one weights file in it, under the
/// names of Hugging Face or any other. Throws std::runtime_error naming the folder if it holds
/// none, or several.
inline std::filesystem::path find_weights(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  for (const char* usual : {"model.safetensors", "model.safetensors.index.json",
                            "pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (std::filesystem::is_regular_file(path / usual, ignored)) return path / usual;
  }
  std::vector<std::string> found;
  std::string only;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    for (const char* ending : {".safetensors", ".pth", ".pt", ".pth.tar", ".bin", ".ckpt"}) {
      if (name.ends_with(ending)) {
        found.push_back(printable(name));
        only = name;
        break;
      }
    }
  }
  if (found.size() == 1) return path / only;
  std::sort(found.begin(), found.end());
  if (found.empty()) refuse_file(path.string(), "is a folder without a weights file");
  refuse_file(path.string(), "is a folder of several weights files; give one: ", listed(found, 6));
}

}  // namespace tessera::io
