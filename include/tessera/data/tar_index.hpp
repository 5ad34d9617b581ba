#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"

namespace tessera::data {

/// A regular file within a tar archive.
struct TarMember {
  std::string name;
  std::uint64_t offset = 0;  ///< of its first byte in the archive
  std::uint64_t size = 0;    ///< in bytes
};

namespace detail {

/// Reads the headers of a tar archive one after the other: POSIX ustar and pax (IEEE Std 1003.1,
/// pax), and GNU tar's long names and large numbers. Contents are passed over, so that an archive
/// of many gigabytes costs one small read for each member.
class TarReader {
 public:
  explicit TarReader(const io::InputFile& file) : file_(file) {}

  /// The next regular file; nothing at the end of the archive. Folders, symbolic links and devices
  /// are passed over; a hard link, a second name of another member, is refused. Throws
  /// std::runtime_error "archive: reason".
  std::optional<TarMember> next() {
    while (place_ < file_.size()) {
      const Header header = read_header();
      if (header.empty) {
        check_end();
        return std::nullopt;
      }
      const std::uint64_t contents = place_;
      // Links, devices and folders have no contents, whatever size some programs write.
      const bool without_contents = header.type >= '1' && header.type <= '6';
      const std::uint64_t size = without_contents ? 0 : size_of_next_.value_or(header.size);
      if (size > file_.size() - contents) {
        io::refuse_file(file_.name(), "member ", header.name, " has ", size,
                        " bytes and ends beyond the archive");
      }
      place_ = contents + padded(size);
      switch (header.type) {
        case 'x':
          read_pax(contents, size, false);
          continue;
        case 'g':
          read_pax(contents, size, true);
          continue;
        case 'L':
          name_of_next_ = text_at(contents, size, most_name);
          name_of_next_->resize(std::min(name_of_next_->find('\0'), name_of_next_->size()));
          continue;
        case 'K':
          continue;  // the long target of a link
        case 'S':
          io::refuse_file(file_.name(), "member ", header.name, " is sparse");
        default:
          break;
      }
      TarMember member{name_of_next_.value_or(header.name), contents, size};
      name_of_next_.reset();
      size_of_next_.reset();
      if (header.type == '1') {
        io::refuse_file(file_.name(), "member ", member.name,
                        " is a link to another member; pack the archive with --hard-dereference");
      }
      if (header.type != '0' && header.type != '\0' && header.type != '7') continue;
      if (member.name.ends_with('/')) continue;  // a folder in archives older than ustar
      check_name(member.name);
      return member;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t block = 512;
  static constexpr std::uint64_t most_name = std::uint64_t{1} << 16;  // PATH_MAX is 4096
  static constexpr std::uint64_t most_attributes = std::uint64_t{1} << 24;

  struct Header {
    bool empty = false;  // a block of zeros: the end of the archive
    std::string name;
    std::uint64_t size = 0;
    char type = '0';
  };
  using Block = std::array<char, block>;

  Header read_header() {
    Block bytes;
    if (file_.size() - place_ < block) {
      io::refuse_file(file_.name(), "ends within a header, at byte ", file_.size());
    }
    file_.read(place_, std::as_writable_bytes(std::span(bytes)));
    Header header;
    header.empty = std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
    if (header.empty) return header;
    check_sum(bytes);
    place_ += block;

    header.name = text_of_field(bytes, 0, 100);
    header.size = number(bytes, 124, 12);
    header.type = bytes[156];
    // GNU's own format has other things where ustar has the front part of a long name.
    const bool is_ustar = std::string_view(bytes.data() + 257, 6) == std::string_view("ustar\0", 6);
    const std::string front = is_ustar ? text_of_field(bytes, 345, 155) : "";
    if (!front.empty()) header.name = front + '/' + header.name;
    return header;
  }

  /// The first block of zeros is at place_: nothing but zeros may follow. An archive with a hole,
  /// or two that were joined, would otherwise lose members without a word.
  void check_end() const {
    std::vector<char> bytes(std::size_t{1} << 16);
    for (std::uint64_t at = place_; at < file_.size(); at += bytes.size()) {
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), file_.size() - at));
      const std::span<char> piece = std::span(bytes).first(count);
      file_.read(at, std::as_writable_bytes(piece));
      if (std::any_of(piece.begin(), piece.end(), [](char byte) { return byte != 0; })) {
        io::refuse_file(file_.name(), "has contents behind its end at byte ", place_,
                        ": a hole in it, or two archives in one file");
      }
    }
  }

  /// The sum of all bytes, those of the sum itself as spaces. Some old programs added signed bytes.
  void check_sum(const Block& bytes) const {
    std::uint64_t sum = 0;
    std::int64_t signed_sum = 0;
    for (std::size_t i = 0; i < block; ++i) {
      const char byte = i >= 148 && i < 156 ? ' ' : bytes[i];
      sum += static_cast<unsigned char>(byte);
      signed_sum += static_cast<signed char>(byte);
    }
    const std::uint64_t expected = number(bytes, 148, 8);
    if (expected == sum || static_cast<std::int64_t>(expected) == signed_sum) return;
    if (place_ == 0) io::refuse_file(file_.name(), "is no tar archive", packing(bytes));
    io::refuse_file(file_.name(), "has a damaged header at byte ", place_);
  }

  /// A word on archives that are packed: samples are read in any order, which packing forbids.
  static std::string_view packing(const Block& bytes) {
    const std::string_view start(bytes.data(), 6);
    if (start.starts_with("\x1f\x8b")) return ", but packed by gzip; unpack it first";
    if (start.starts_with("\x28\xb5\x2f\xfd")) return ", but packed by zstd; unpack it first";
    if (start.starts_with("\xFD\067zXZ")) return ", but packed by xz; unpack it first";
    if (start.starts_with("BZh")) return ", but packed by bzip2; unpack it first";
    return "";
  }

  static std::string text_of_field(const Block& bytes, std::size_t at, std::size_t length) {
    const char* const begin = bytes.data() + at;
    return {begin, std::find(begin, begin + length, '\0')};
  }

  /// An octal number, or GNU's: 128 in the first byte, then the number itself in the other bytes.
  std::uint64_t number(const Block& bytes, std::size_t at, std::size_t length) const {
    std::uint64_t value = 0;
    if (static_cast<unsigned char>(bytes[at]) == 0x80) {
      for (std::size_t i = 1; i < length; ++i) {
        if (value >> 55 != 0) fail_number();
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
      }
      return value;
    }
    std::string_view digits(bytes.data() + at, length);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find_first_of(std::string_view(" \0", 2)));
    for (const char digit : digits) {
      if (digit < '0' || digit > '7') {
        if (place_ == 0) io::refuse_file(file_.name(), "is no tar archive", packing(bytes));
        fail_number();
      }
      value = value * 8 + static_cast<std::uint64_t>(digit - '0');
    }
    return value;
  }
  [[noreturn]] void fail_number() const {
    io::refuse_file(file_.name(), "has a header with a damaged number, near byte ", place_);
  }

  std::string text_at(std::uint64_t offset, std::uint64_t size, std::uint64_t most) const {
    if (size > most) {
      io::refuse_file(file_.name(), "has a name or attributes of ", size, " bytes at byte ", offset,
                      "; the limit is ", most);
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    file_.read(offset, std::as_writable_bytes(std::span(text)));
    return text;
  }

  /// pax attributes, records "length key=value\n" where length counts the whole record. A path and
  /// a size hold for the next member; global ones would rename every member and are refused.
  void read_pax(std::uint64_t offset, std::uint64_t size, bool global) {
    const std::string records = text_at(offset, size, most_attributes);
    std::string_view rest = records;
    while (!rest.empty()) {
      std::size_t length = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
      const auto digits = static_cast<std::size_t>(end - rest.data());
      if (error != std::errc() || length > rest.size() || length < digits + 3 ||
          rest[digits] != ' ' || rest[length - 1] != '\n') {
        io::refuse_file(file_.name(), "has damaged pax attributes at byte ", offset);
      }
      const std::string_view record = rest.substr(digits + 1, length - digits - 2);
      rest.remove_prefix(length);
      const std::size_t equals = record.find('=');
      const std::string_view key = record.substr(0, equals);
      if (key != "path" && key != "size" && !key.starts_with("GNU.sparse.")) continue;
      if (global || key.starts_with("GNU.sparse.") || equals == std::string_view::npos) {
        io::refuse_file(file_.name(), "has the pax attribute ", key, " at byte ", offset,
                        global ? " for all members" : "", ", which is not supported");
      }
      const std::string_view value = record.substr(equals + 1);
      if (value.find('\0') != std::string_view::npos) {
        io::refuse_file(file_.name(), "has a ", key, " with a zero byte at byte ", offset);
      }
      if (key == "path") {
        name_of_next_ = std::string(value);
      } else {
        std::uint64_t bytes = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), bytes);
        if (read.ec != std::errc() || read.ptr != value.data() + value.size()) fail_number();
        size_of_next_ = bytes;
      }
    }
  }

  /// A member's name must stay within the folder that the archive would be unpacked in.
  void check_name(std::string_view name) const {
    bool outside = name.empty() || name.front() == '/';
    for (std::size_t begin = 0; begin <= name.size() && !outside;) {
      const std::size_t end = std::min(name.find('/', begin), name.size());
      outside = name.substr(begin, end - begin) == "..";
      begin = end + 1;
    }
    if (outside) {
      io::refuse_file(file_.name(), "member \"", name, "\" has an absolute name or one with ..");
    }
  }

  static std::uint64_t padded(std::uint64_t size) { return (size + block - 1) / block * block; }

  const io::InputFile& file_;
  std::uint64_t place_ = 0;
  // From a pax or GNU header, for the member that follows it.
  std::optional<std::string> name_of_next_;
  std::optional<std::uint64_t> size_of_next_;
};

}  // namespace detail

/// The regular files of a tar archive in their order. Throws std::runtime_error "archive: reason"
/// if it is no tar archive, damaged, packed, has a member that ends beyond it, or names that lead
/// out of the folder it would be unpacked in.
inline std::vector<TarMember> tar_members(const io::InputFile& archive) {
  std::vector<TarMember> members;
  detail::TarReader reader(archive);
  while (std::optional<TarMember> member = reader.next()) members.push_back(std::move(*member));
  return members;
}

}  // namespace tessera::data
