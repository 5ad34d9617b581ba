#pragma once

#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/file/file.hpp"

namespace example {

/// Rows of float32 as NumPy's .npy (format 1.0), all or nothing.
inline void write_npy(const std::filesystem::path& path, std::span<const tessera::Index> shape,
                      std::span<const float> values) {
  std::string sizes;
  for (const tessera::Index extent : shape) sizes += std::to_string(extent) + ", ";
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + sizes + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string begin("\x93NUMPY\x01\x00", 8);
  begin += static_cast<char>(header.size() & 0xFF);
  begin += static_cast<char>(header.size() >> 8);
  tessera::io::replace_file(path, [&](tessera::io::OutputFile& file) {
    for (const std::string* part : {&begin, &header}) {
      file.write(std::as_bytes(std::span(*part)));
    }
    file.write(std::as_bytes(values));
  });
}

}  // namespace example
