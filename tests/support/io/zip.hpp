#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "support/io/files.hpp"
#include "tessera/io/torch/zip_directory.hpp"

namespace tessera::io::test {

/// The little-endian bytes of a number.
template <class T>
std::string number_bytes(T value) {
  std::string text(sizeof(T), '\0');
  std::memcpy(text.data(), &value, sizeof(T));
  return text;
}

/// One entry of a crafted archive; every field can lie.
struct ZipItem {
  std::string name;
  std::string data;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::string local_name = name;
  std::uint16_t local_flags = flags;
  std::uint16_t local_method = method;
  std::uint32_t local_size = static_cast<std::uint32_t>(data.size());
  std::uint32_t size = static_cast<std::uint32_t>(data.size());
  std::uint32_t packed_size = size;
  std::uint32_t offset_shift = 0;  // added to where the table says the entry is
  std::string extra = {};          // in the table
  std::string local_extra = {};
  std::uint32_t crc = crc32(bytes_of(data));
  std::uint16_t disk = 0;
};

/// What surrounds the entries.
struct ZipFrame {
  std::string before_table = {};
  std::string after_table = {};
  std::uint16_t entries_shift = 0;
  std::uint32_t table_size_shift = 0;
  std::uint32_t table_offset_shift = 0;
  std::string comment = {};
  std::uint16_t disk = 0;
};

inline std::string zip_text(const std::vector<ZipItem>& items, const ZipFrame& frame = {}) {
  std::string text;
  std::string table;
  for (const ZipItem& item : items) {
    const auto offset = static_cast<std::uint32_t>(text.size()) + item.offset_shift;
    text += "PK\3\4" + number_bytes<std::uint16_t>(0) + number_bytes(item.local_flags) +
            number_bytes(item.local_method) + number_bytes<std::uint32_t>(0) +
            number_bytes(item.crc) + number_bytes(item.local_size) + number_bytes(item.local_size) +
            number_bytes(static_cast<std::uint16_t>(item.local_name.size())) +
            number_bytes(static_cast<std::uint16_t>(item.local_extra.size())) + item.local_name +
            item.local_extra + item.data;
    table += "PK\1\2" + number_bytes<std::uint32_t>(0) + number_bytes(item.flags) +
             number_bytes(item.method) + number_bytes<std::uint32_t>(0) + number_bytes(item.crc) +
             number_bytes(item.packed_size) + number_bytes(item.size) +
             number_bytes(static_cast<std::uint16_t>(item.name.size())) +
             number_bytes(static_cast<std::uint16_t>(item.extra.size())) +
             number_bytes<std::uint16_t>(0) + number_bytes(item.disk) +
             number_bytes<std::uint16_t>(0) + number_bytes<std::uint32_t>(0) +
             number_bytes(offset) + item.name + item.extra;
  }
  text += frame.before_table;
  const auto offset = static_cast<std::uint32_t>(text.size()) + frame.table_offset_shift;
  const auto count = static_cast<std::uint16_t>(items.size() + frame.entries_shift);
  return text + table + frame.after_table + "PK\5\6" + number_bytes(frame.disk) +
         number_bytes<std::uint16_t>(0) + number_bytes(count) + number_bytes(count) +
         number_bytes(static_cast<std::uint32_t>(table.size()) + frame.table_size_shift) +
         number_bytes(offset) + number_bytes(static_cast<std::uint16_t>(frame.comment.size())) +
         frame.comment;
}

}  // namespace tessera::io::test
