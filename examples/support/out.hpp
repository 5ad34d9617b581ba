#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace example {

/// Throws std::runtime_error if there is no folder for a file of that path: better before hours of
/// work than after them.
inline void require_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty() || std::filesystem::is_directory(folder)) return;
  throw std::runtime_error(path + ": there is no folder " + folder.string());
}

}  // namespace example
