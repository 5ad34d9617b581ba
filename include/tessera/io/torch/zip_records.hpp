#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// Bounds of an archive; one that holds more is refused.
struct ZipLimits {
  static constexpr std::uint64_t entries = 1 << 17;
  static constexpr std::size_t name_bytes = 1024;
};

namespace detail {

/// Stands for a number that does not fit 32 bits.
inline constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;

/// The bytes of an archive, and how errors about it read.
struct ZipArchive {
  std::span<const std::byte> bytes;
  std::string label;

  /// The number at `offset`, which the caller knows to be inside.
  template <class T>
  T number(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
  }
  std::string_view text(std::uint64_t offset, std::size_t size) const {
    return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    refuse_file(label, "zip: ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void refuse_entry(std::string_view name, const Parts&... parts) const {
    refuse_file(label, "zip entry ", in_quotes(name), ": ", parts...);
  }
};

/// Where the table of contents lies.
struct ZipTable {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

/// The end record, which closes the file, says where the table is; for large archives through a
/// second, 64-bit one before it.
inline ZipTable find_zip_table(const ZipArchive& archive) {
  constexpr std::uint64_t end_size = 22;
  constexpr std::uint64_t locator_size = 20;
  constexpr std::uint64_t end64_size = 56;
  if (archive.bytes.size() < end_size) {
    archive.refuse("has ", archive.bytes.size(), " bytes, the end record alone 22");
  }
  const std::uint64_t size = archive.bytes.size();
  std::uint64_t end = size;
  // An archive comment of up to 65535 bytes may follow the record.
  for (std::uint64_t comment = 0; comment <= 0xFFFF && comment + end_size <= size; ++comment) {
    const std::uint64_t candidate = size - end_size - comment;
    if (archive.text(candidate, 4) == "PK\5\6" &&
        archive.number<std::uint16_t>(candidate + 20) == comment) {
      end = candidate;
      break;
    }
  }
  if (end == size) archive.refuse("no end record: the file is cut off or something follows it");
  if (archive.number<std::uint16_t>(end + 4) != 0 || archive.number<std::uint16_t>(end + 6) != 0) {
    archive.refuse("the archive is split over several files");
  }
  ZipTable table{archive.number<std::uint32_t>(end + 16), archive.number<std::uint32_t>(end + 12),
                 archive.number<std::uint16_t>(end + 10)};
  std::uint64_t table_end = end;
  const bool needs_64 =
      table.offset == in_zip64 || table.size == in_zip64 || table.entries == 0xFFFF;
  if (end >= locator_size && archive.text(end - locator_size, 4) == "PK\6\7") {
    const std::uint64_t end64 = archive.number<std::uint64_t>(end - locator_size + 8);
    if (end - locator_size < end64_size || end64 != end - locator_size - end64_size ||
        archive.text(end64, 4) != "PK\6\6") {
      archive.refuse("the 64-bit end record is not where its locator says");
    }
    const ZipTable large{archive.number<std::uint64_t>(end64 + 48),
                         archive.number<std::uint64_t>(end64 + 40),
                         archive.number<std::uint64_t>(end64 + 32)};
    if ((table.offset != in_zip64 && table.offset != large.offset) ||
        (table.size != in_zip64 && table.size != large.size) ||
        (table.entries != 0xFFFF && table.entries != large.entries)) {
      archive.refuse("the two end records disagree");
    }
    table = large;
    table_end = end64;
  } else if (needs_64) {
    archive.refuse("the 64-bit end record is missing");
  }
  if (table.entries > ZipLimits::entries) {
    archive.refuse(table.entries, " entries are more than the limit of ", ZipLimits::entries);
  }
  if (table.offset > table_end || table.size != table_end - table.offset) {
    archive.refuse("the table of ", table.size, " bytes at byte ", table.offset,
                   " does not end where the end record begins, at byte ", table_end);
  }
  return table;
}

inline void check_zip_name(const ZipArchive& archive, std::string_view name) {
  if (name.empty()) archive.refuse("an entry has no name");
  if (name.size() > ZipLimits::name_bytes) {
    archive.refuse_entry(name, "name of ", name.size(), " bytes is above the limit of ",
                         ZipLimits::name_bytes);
  }
  const bool drive = name.size() > 1 && name[1] == ':';
  if (name.front() == '/' || drive) archive.refuse_entry(name, "name is an absolute path");
  if (name.find('\\') != std::string_view::npos || name.find('\0') != std::string_view::npos) {
    archive.refuse_entry(name, "name holds a backslash or a zero byte");
  }
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part == "..") archive.refuse_entry(name, "name leads out of the archive");
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
}

inline void check_zip_kind(const ZipArchive& archive, std::string_view name, std::uint16_t flags,
                           std::uint16_t method) {
  constexpr std::uint16_t encrypted = 0x0001 | 0x0040 | 0x2000;
  constexpr std::uint16_t sizes_after_data = 0x0008;
  constexpr std::uint16_t utf8_name = 0x0800;
  if ((flags & encrypted) != 0) archive.refuse_entry(name, "is encrypted");
  if ((flags & ~(sizes_after_data | utf8_name)) != 0) {
    archive.refuse_entry(name, "unknown flags ", flags);
  }
  if (method != 0) {
    archive.refuse_entry(name, "is compressed (method ", method, "), which torch.save never does");
  }
}

/// The contents of the field of that kind in an entry's extra data.
inline std::optional<std::string_view> zip_field(const ZipArchive& archive, std::string_view name,
                                                 std::string_view extra, std::uint16_t kind) {
  std::optional<std::string_view> found;
  while (!extra.empty()) {
    std::array<std::uint16_t, 2> head{};
    if (extra.size() >= 4) std::memcpy(head.data(), extra.data(), 4);
    if (extra.size() < 4 || extra.size() - 4 < head[1]) {
      archive.refuse_entry(name, "extra data is cut off");
    }
    if (head[0] == kind) {
      if (found) archive.refuse_entry(name, "extra data holds a field twice");
      found = extra.substr(4, head[1]);
    }
    extra.remove_prefix(std::size_t{4} + head[1]);
  }
  return found;
}

}  // namespace detail
}  // namespace tessera::io
