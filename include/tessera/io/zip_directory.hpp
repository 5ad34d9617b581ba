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
#include <utility>
#include <vector>

#include "tessera/io/file.hpp"
#include "tessera/io/safetensors_header.hpp"

namespace tessera::io {

/// What an archive may hold at most; beyond it, it is refused.
struct ZipLimits {
  static constexpr std::uint64_t entries = 1 << 17;
  static constexpr std::size_t name_bytes = 1024;
};

struct ZipOptions {
  /// Compare every entry with its CRC-32: one more pass over the whole file. Off by default, as in
  /// torch, which also writes files without valid sums on request.
  bool check_crc = false;
};

struct ZipEntry {
  std::string_view name;
  std::span<const std::byte> bytes;
  std::uint32_t crc = 0;
};

/// CRC-32 as zip and PNG use it.
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
      }
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = ~0u;
  for (const std::byte byte : bytes) {
    sum = table[(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xFF] ^ (sum >> 8);
  }
  return ~sum;
}

/// The table of contents of a zip archive in memory, as torch writes it: every entry stored as it
/// is, so that its bytes are a view into the archive. Whatever would have to be unpacked is
/// refused.
class ZipDirectory {
 public:
  /// Checks the whole table. `bytes` must outlive the views; `label` stands for the file. Throws
  /// std::runtime_error "label: zip: reason" or "label: zip entry 'name': reason".
  explicit ZipDirectory(std::span<const std::byte> bytes, std::string label = "memory",
                        const ZipOptions& options = {})
      : bytes_(bytes), label_(std::move(label)) {
    read_entries(find_table());
    check_overlap();
    std::sort(entries_.begin(), entries_.end(),
              [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].name == entries_[i - 1].name) fail_entry(entries_[i].name, "occurs twice");
    }
    if (!options.check_crc) return;
    for (const ZipEntry& entry : entries_) {
      if (crc32(entry.bytes) != entry.crc) fail_entry(entry.name, "CRC-32 does not match");
    }
  }

  /// Sorted by name.
  const std::vector<ZipEntry>& entries() const { return entries_; }

  /// The entry of that name, or null.
  const ZipEntry* find(std::string_view name) const {
    const auto position = std::lower_bound(
        entries_.begin(), entries_.end(), name,
        [](const ZipEntry& entry, std::string_view key) { return entry.name < key; });
    return position != entries_.end() && position->name == name ? &*position : nullptr;
  }

 private:
  struct Table {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t entries = 0;
  };
  static constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail(label_, "zip: ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void fail_entry(std::string_view name, const Parts&... parts) const {
    detail::fail(label_, "zip entry ", detail::name_text(name), ": ", parts...);
  }

  /// The number at `offset`, which the caller knows to be inside.
  template <class T>
  T number(std::uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  std::string_view text(std::uint64_t offset, std::size_t size) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + offset, size};
  }

  /// The end record, which closes the file, says where the table is; for large archives through a
  /// second, 64-bit one before it.
  Table find_table() const {
    constexpr std::uint64_t end_size = 22;
    constexpr std::uint64_t locator_size = 20;
    constexpr std::uint64_t end64_size = 56;
    if (bytes_.size() < end_size) fail("has ", bytes_.size(), " bytes, the end record alone 22");
    const std::uint64_t size = bytes_.size();
    std::uint64_t end = size;
    // An archive comment of up to 65535 bytes may follow the record.
    for (std::uint64_t comment = 0; comment <= 0xFFFF && comment + end_size <= size; ++comment) {
      const std::uint64_t candidate = size - end_size - comment;
      if (text(candidate, 4) == "PK\5\6" && number<std::uint16_t>(candidate + 20) == comment) {
        end = candidate;
        break;
      }
    }
    if (end == size) fail("no end record: the file is cut off or something follows it");
    if (number<std::uint16_t>(end + 4) != 0 || number<std::uint16_t>(end + 6) != 0) {
      fail("the archive is split over several files");
    }
    Table table{number<std::uint32_t>(end + 16), number<std::uint32_t>(end + 12),
                number<std::uint16_t>(end + 10)};
    std::uint64_t table_end = end;
    const bool needs_64 =
        table.offset == in_zip64 || table.size == in_zip64 || table.entries == 0xFFFF;
    if (end >= locator_size && text(end - locator_size, 4) == "PK\6\7") {
      const std::uint64_t end64 = number<std::uint64_t>(end - locator_size + 8);
      if (end - locator_size < end64_size || end64 != end - locator_size - end64_size ||
          text(end64, 4) != "PK\6\6") {
        fail("the 64-bit end record is not where its locator says");
      }
      const Table large{number<std::uint64_t>(end64 + 48), number<std::uint64_t>(end64 + 40),
                        number<std::uint64_t>(end64 + 32)};
      if ((table.offset != in_zip64 && table.offset != large.offset) ||
          (table.size != in_zip64 && table.size != large.size) ||
          (table.entries != 0xFFFF && table.entries != large.entries)) {
        fail("the two end records disagree");
      }
      table = large;
      table_end = end64;
    } else if (needs_64) {
      fail("the 64-bit end record is missing");
    }
    if (table.entries > ZipLimits::entries) {
      fail(table.entries, " entries are more than the limit of ", ZipLimits::entries);
    }
    if (table.offset > table_end || table.size != table_end - table.offset) {
      fail("the table of ", table.size, " bytes at byte ", table.offset,
           " does not end where the end record begins, at byte ", table_end);
    }
    return table;
  }

  void read_entries(const Table& table) {
    constexpr std::uint64_t record_size = 46;
    const std::uint64_t end = table.offset + table.size;
    if (table.entries > table.size / record_size) {
      fail(table.entries, " entries do not fit a table of ", table.size, " bytes");
    }
    entries_.reserve(static_cast<std::size_t>(table.entries));
    std::uint64_t at = table.offset;
    table_begin_ = table.offset;
    for (std::uint64_t i = 0; i < table.entries; ++i) {
      if (end - at < record_size || text(at, 4) != "PK\1\2") {
        fail("record ", i, " of the table is broken");
      }
      const std::size_t name_size = number<std::uint16_t>(at + 28);
      const std::size_t extra_size = number<std::uint16_t>(at + 30);
      const std::size_t comment_size = number<std::uint16_t>(at + 32);
      if (end - at - record_size < name_size + extra_size + comment_size) {
        fail("record ", i, " of the table runs out of it");
      }
      add_entry(at, text(at + record_size, name_size),
                text(at + record_size + name_size, extra_size));
      at += record_size + name_size + extra_size + comment_size;
    }
    if (at != end) fail(end - at, " bytes of the table belong to no entry");
  }

  void add_entry(std::uint64_t at, std::string_view name, std::string_view extra) {
    check_name(name);
    const std::uint16_t flags = number<std::uint16_t>(at + 8);
    check_kind(name, flags, number<std::uint16_t>(at + 10));
    std::uint64_t packed = number<std::uint32_t>(at + 20);
    std::uint64_t size = number<std::uint32_t>(at + 24);
    std::uint64_t begin = number<std::uint32_t>(at + 42);
    // Numbers that do not fit 32 bits stand in this order in a field of the extra data.
    std::string_view large = field(name, extra, 0x0001).value_or(std::string_view());
    for (std::uint64_t* const value : {&size, &packed, &begin}) {
      if (*value != in_zip64) continue;
      if (large.size() < 8) fail_entry(name, "its 64-bit sizes are missing");
      std::memcpy(value, large.data(), 8);
      large.remove_prefix(8);
    }
    if (number<std::uint16_t>(at + 34) != 0) fail_entry(name, "lies in another file");
    if (packed != size) {
      fail_entry(name, "is stored, but its sizes ", packed, " and ", size, " differ");
    }
    add_checked(name, flags, begin, size, number<std::uint32_t>(at + 16));
  }

  /// Goes to the entry's own header, compares it with the table and notes where the bytes are.
  void add_checked(std::string_view name, std::uint16_t flags, std::uint64_t begin,
                   std::uint64_t size, std::uint32_t crc) {
    constexpr std::uint64_t header_size = 30;
    if (begin > table_begin_ || table_begin_ - begin < header_size) {
      fail_entry(name, "begins at byte ", begin, ", but the entries end at byte ", table_begin_);
    }
    if (text(begin, 4) != "PK\3\4") fail_entry(name, "no entry begins at byte ", begin);
    const std::size_t name_size = number<std::uint16_t>(begin + 26);
    const std::size_t extra_size = number<std::uint16_t>(begin + 28);
    const std::uint64_t room = table_begin_ - begin - header_size;
    if (room < name_size + extra_size || room - name_size - extra_size < size) {
      fail_entry(name, size, " bytes from byte ", begin, " on run into the table at byte ",
                 table_begin_);
    }
    if (text(begin + header_size, name_size) != name) {
      fail_entry(name, "is called ", detail::name_text(text(begin + header_size, name_size)),
                 " where it begins");
    }
    if (number<std::uint16_t>(begin + 6) != flags || number<std::uint16_t>(begin + 8) != 0) {
      fail_entry(name, "flags or method differ where it begins");
    }
    // Sizes may follow the data instead (flag 8), or be 64-bit numbers, the unpacked one first.
    std::string_view large = field(name, text(begin + header_size + name_size, extra_size), 0x0001)
                                 .value_or(std::string_view());
    for (const std::uint64_t place : {begin + 22, begin + 18}) {
      std::uint64_t own = number<std::uint32_t>(place);
      if (own == in_zip64 && large.size() >= 8) {
        std::memcpy(&own, large.data(), 8);
        large.remove_prefix(8);
      }
      if (own != size && !(own == 0 && (flags & 8) != 0)) {
        fail_entry(name, "has ", size, " bytes in the table, but ", own, " where it begins");
      }
    }
    const std::uint64_t data = begin + header_size + name_size + extra_size;
    extents_.push_back({begin, data + size, entries_.size()});
    entries_.push_back(
        {name, bytes_.subspan(static_cast<std::size_t>(data), static_cast<std::size_t>(size)),
         crc});
  }

  void check_name(std::string_view name) const {
    if (name.empty()) fail("an entry has no name");
    if (name.size() > ZipLimits::name_bytes) {
      fail_entry(name, "name of ", name.size(), " bytes is above the limit of ",
                 ZipLimits::name_bytes);
    }
    const bool drive = name.size() > 1 && name[1] == ':';
    if (name.front() == '/' || drive) fail_entry(name, "name is an absolute path");
    if (name.find('\\') != std::string_view::npos || name.find('\0') != std::string_view::npos) {
      fail_entry(name, "name holds a backslash or a zero byte");
    }
    for (std::string_view rest = name; !rest.empty();) {
      const std::string_view part = rest.substr(0, rest.find('/'));
      if (part == "..") fail_entry(name, "name leads out of the archive");
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    }
  }

  void check_kind(std::string_view name, std::uint16_t flags, std::uint16_t method) const {
    constexpr std::uint16_t encrypted = 0x0001 | 0x0040 | 0x2000;
    constexpr std::uint16_t sizes_after_data = 0x0008;
    constexpr std::uint16_t utf8_name = 0x0800;
    if ((flags & encrypted) != 0) fail_entry(name, "is encrypted");
    if ((flags & ~(sizes_after_data | utf8_name)) != 0) fail_entry(name, "unknown flags ", flags);
    if (method != 0) {
      fail_entry(name, "is compressed (method ", method, "), which torch.save never does");
    }
  }

  /// The contents of the field of that kind in an entry's extra data.
  std::optional<std::string_view> field(std::string_view name, std::string_view extra,
                                        std::uint16_t kind) const {
    std::optional<std::string_view> found;
    while (!extra.empty()) {
      std::array<std::uint16_t, 2> head{};
      if (extra.size() >= 4) std::memcpy(head.data(), extra.data(), 4);
      if (extra.size() < 4 || extra.size() - 4 < head[1]) fail_entry(name, "extra data is cut off");
      if (head[0] == kind) {
        if (found) fail_entry(name, "extra data holds a field twice");
        found = extra.substr(4, head[1]);
      }
      extra.remove_prefix(std::size_t{4} + head[1]);
    }
    return found;
  }

  void check_overlap() {
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < extents_.size(); ++i) {
      if (extents_[i].begin < extents_[i - 1].end) {
        fail_entry(entries_[extents_[i].entry].name, "overlaps entry ",
                   detail::name_text(entries_[extents_[i - 1].entry].name));
      }
    }
    extents_ = {};
  }

  struct Extent {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t entry;
  };

  std::span<const std::byte> bytes_;
  std::string label_;
  std::uint64_t table_begin_ = 0;
  std::vector<ZipEntry> entries_;
  std::vector<Extent> extents_;
};

}  // namespace tessera::io
