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

#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/crc32.hpp"
#include "tessera/io/torch/options.hpp"
#include "tessera/io/torch/zip_records.hpp"

namespace tessera::io {

struct ZipEntry {
  std::string_view name;
  std::span<const std::byte> bytes;
  std::uint32_t crc = 0;
};

/// The table of contents of a zip archive in memory, as torch writes it: every entry stored as it
/// is, so that its bytes are a view into the archive. Whatever would have to be unpacked is
/// refused.
class ZipDirectory {
 public:
  /// Checks the whole table. `bytes` must outlive the views; `label` stands for the file. Throws
  /// std::runtime_error "label: zip: reason" or "label: zip entry 'name': reason".
  explicit ZipDirectory(std::span<const std::byte> bytes, std::string label = "memory",
                        const ZipOptions& options = {})
      : archive_{bytes, std::move(label)} {
    read_entries(detail::find_zip_table(archive_));
    check_overlap();
    std::sort(entries_.begin(), entries_.end(),
              [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].name == entries_[i - 1].name) {
        archive_.refuse_entry(entries_[i].name, "occurs twice");
      }
    }
    if (!options.check_crc) return;
    for (const ZipEntry& entry : entries_) {
      if (crc32(entry.bytes) != entry.crc) {
        archive_.refuse_entry(entry.name, "CRC-32 does not match");
      }
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
  void read_entries(const detail::ZipTable& table) {
    constexpr std::uint64_t record_size = 46;
    const std::uint64_t end = table.offset + table.size;
    if (table.entries > table.size / record_size) {
      archive_.refuse(table.entries, " entries do not fit a table of ", table.size, " bytes");
    }
    entries_.reserve(static_cast<std::size_t>(table.entries));
    std::uint64_t at = table.offset;
    table_begin_ = table.offset;
    for (std::uint64_t i = 0; i < table.entries; ++i) {
      if (end - at < record_size || archive_.text(at, 4) != "PK\1\2") {
        archive_.refuse("record ", i, " of the table is broken");
      }
      const std::size_t name_size = archive_.number<std::uint16_t>(at + 28);
      const std::size_t extra_size = archive_.number<std::uint16_t>(at + 30);
      const std::size_t comment_size = archive_.number<std::uint16_t>(at + 32);
      if (end - at - record_size < name_size + extra_size + comment_size) {
        archive_.refuse("record ", i, " of the table runs out of it");
      }
      add_entry(at, archive_.text(at + record_size, name_size),
                archive_.text(at + record_size + name_size, extra_size));
      at += record_size + name_size + extra_size + comment_size;
    }
    if (at != end) archive_.refuse(end - at, " bytes of the table belong to no entry");
  }

  void add_entry(std::uint64_t at, std::string_view name, std::string_view extra) {
    detail::check_zip_name(archive_, name);
    const std::uint16_t flags = archive_.number<std::uint16_t>(at + 8);
    detail::check_zip_kind(archive_, name, flags, archive_.number<std::uint16_t>(at + 10));
    std::uint64_t packed = archive_.number<std::uint32_t>(at + 20);
    std::uint64_t size = archive_.number<std::uint32_t>(at + 24);
    std::uint64_t begin = archive_.number<std::uint32_t>(at + 42);
    // Numbers that do not fit 32 bits stand in this order in a field of the extra data.
    std::string_view large =
        detail::zip_field(archive_, name, extra, 0x0001).value_or(std::string_view());
    for (std::uint64_t* const value : {&size, &packed, &begin}) {
      if (*value != detail::in_zip64) continue;
      if (large.size() < 8) archive_.refuse_entry(name, "its 64-bit sizes are missing");
      std::memcpy(value, large.data(), 8);
      large.remove_prefix(8);
    }
    if (archive_.number<std::uint16_t>(at + 34) != 0) {
      archive_.refuse_entry(name, "lies in another file");
    }
    if (packed != size) {
      archive_.refuse_entry(name, "is stored, but its sizes ", packed, " and ", size, " differ");
    }
    add_checked(name, flags, begin, size, archive_.number<std::uint32_t>(at + 16));
  }

  /// Goes to the entry's own header, compares it with the table and notes where the bytes are.
  void add_checked(std::string_view name, std::uint16_t flags, std::uint64_t begin,
                   std::uint64_t size, std::uint32_t crc) {
    constexpr std::uint64_t header_size = 30;
    if (begin > table_begin_ || table_begin_ - begin < header_size) {
      archive_.refuse_entry(name, "begins at byte ", begin, ", but the entries end at byte ",
                            table_begin_);
    }
    if (archive_.text(begin, 4) != "PK\3\4") {
      archive_.refuse_entry(name, "no entry begins at byte ", begin);
    }
    const std::size_t name_size = archive_.number<std::uint16_t>(begin + 26);
    const std::size_t extra_size = archive_.number<std::uint16_t>(begin + 28);
    const std::uint64_t room = table_begin_ - begin - header_size;
    if (room < name_size + extra_size || room - name_size - extra_size < size) {
      archive_.refuse_entry(name, size, " bytes from byte ", begin,
                            " on run into the table at byte ", table_begin_);
    }
    if (archive_.text(begin + header_size, name_size) != name) {
      archive_.refuse_entry(name, "is called ",
                            in_quotes(archive_.text(begin + header_size, name_size)),
                            " where it begins");
    }
    if (archive_.number<std::uint16_t>(begin + 6) != flags ||
        archive_.number<std::uint16_t>(begin + 8) != 0) {
      archive_.refuse_entry(name, "flags or method differ where it begins");
    }
    // Sizes may follow the data instead (flag 8), or be 64-bit numbers, the unpacked one first.
    std::string_view large =
        detail::zip_field(archive_, name,
                          archive_.text(begin + header_size + name_size, extra_size), 0x0001)
            .value_or(std::string_view());
    for (const std::uint64_t place : {begin + 22, begin + 18}) {
      std::uint64_t own = archive_.number<std::uint32_t>(place);
      if (own == detail::in_zip64 && large.size() >= 8) {
        std::memcpy(&own, large.data(), 8);
        large.remove_prefix(8);
      }
      if (own != size && !(own == 0 && (flags & 8) != 0)) {
        archive_.refuse_entry(name, "has ", size, " bytes in the table, but ", own,
                              " where it begins");
      }
    }
    const std::uint64_t data = begin + header_size + name_size + extra_size;
    extents_.push_back({begin, data + size, entries_.size()});
    entries_.push_back({name, archive_.bytes.subspan(data, size), crc});
  }

  void check_overlap() {
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < extents_.size(); ++i) {
      if (extents_[i].begin < extents_[i - 1].end) {
        archive_.refuse_entry(entries_[extents_[i].entry].name, "overlaps entry ",
                              in_quotes(entries_[extents_[i - 1].entry].name));
      }
    }
    extents_ = {};
  }

  struct Extent {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t entry;
  };

  detail::ZipArchive archive_;
  std::uint64_t table_begin_ = 0;
  std::vector<ZipEntry> entries_;
  std::vector<Extent> extents_;
};

}  // namespace tessera::io
