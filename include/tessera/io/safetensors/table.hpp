#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/safetensors/header.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"

namespace tessera::io {

/// The length of the header that a safetensors file begins with, if it begins like one: white space
/// before the header is a mistake that its reader names.
inline std::optional<std::uint64_t> safetensors_header_bytes(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() <= sizeof(length)) return {};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof(length),
                              bytes.size() - sizeof(length));
  const std::size_t begin = text.substr(0, 64).find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return {};
  std::memcpy(&length, bytes.data(), sizeof(length));
  return length;
}

/// Reads a safetensors file. The table's tensors view `bytes`; all but the values is checked.
/// Throws std::runtime_error "label: reason" or "label: tensor 'name': reason".
inline TensorTable read_safetensors(std::span<const std::byte> bytes,
                                    const std::string& label = "memory",
                                    const SafetensorsOptions& options = {}) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof(length)) {
    refuse_file(label, "has ", bytes.size(), " bytes; the length of the header alone takes 8");
  }
  std::memcpy(&length, bytes.data(), sizeof(length));
  const std::size_t begin = detail::safetensors_data_begin(length, bytes.size(), label);
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()) + sizeof(length),
                              begin - sizeof(length));
  const std::span<const std::byte> data = bytes.subspan(begin);
  SafetensorsHeader header = detail::parse_header_of(label, json, data.size(), options);
  TensorTable table;
  table.metadata = std::move(header.metadata);
  table.tensors.reserve(header.entries.size());
  for (SafetensorsEntry& entry : header.entries) {
    table.tensors.push_back({std::move(entry.name),
                             entry.dtype,
                             std::move(entry.shape),
                             {},
                             data.subspan(entry.begin, entry.end - entry.begin),
                             {}});
  }
  return table;
}

}  // namespace tessera::io
