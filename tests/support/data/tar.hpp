#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::data::test {

/// A header of a tar archive. Fields that are texts are written as they are.
struct TarHeader {
  std::string name;
  std::string size = {};  ///< octal digits; made of the contents if empty
  char type = '0';
  std::string magic = std::string("ustar\0", 6) + "00";
  std::string prefix = {};
  bool wrong_sum = false;
};

/// Writes tar archives, good ones and others.
class TarWriter {
 public:
  TarWriter& member(const TarHeader& header, std::string_view contents = {}) {
    std::string block(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
      block.replace(at, text.size(), text);
    };
    put(0, header.name);
    put(100, "0000644");
    put(124, header.size.empty() ? octal(contents.size(), 11) : header.size);
    put(136, "00000000000");
    put(148, "        ");
    block[156] = header.type;
    put(257, header.magic);
    put(345, header.prefix);
    unsigned sum = header.wrong_sum ? 1 : 0;
    for (const char byte : block) sum += static_cast<unsigned char>(byte);
    put(148, octal(sum, 6) + std::string("\0 ", 2));
    bytes_ += block;
    bytes_ += contents;
    bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
    return *this;
  }
  TarWriter& add(const std::string& name, std::string_view contents) {
    return member(TarHeader{.name = name}, contents);
  }

  /// Attributes for the next member: "path=..." and the like.
  TarWriter& pax(const std::vector<std::string>& attributes, char type = 'x') {
    std::string records;
    for (const std::string& attribute : attributes) {
      std::size_t length = attribute.size() + 3;  // one digit, a space, the end of the line
      while (std::to_string(length).size() + attribute.size() + 2 != length) ++length;
      records += std::to_string(length) + ' ' + attribute + '\n';
    }
    return member({.name = "attributes", .type = type}, records);
  }

  /// With the two blocks of zeros that end an archive.
  std::string finished() const { return bytes_ + std::string(1024, '\0'); }
  const std::string& unfinished() const { return bytes_; }

 private:
  static std::string octal(std::size_t value, int digits) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%0*zo", digits, value);
    return text.data();
  }

  std::string bytes_;
};

}  // namespace tessera::data::test
