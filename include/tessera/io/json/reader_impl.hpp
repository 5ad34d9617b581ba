#pragma once

#include <charconv>
#include <exception>
#include <system_error>

#include "tessera/core/inline.hpp"
#include "tessera/io/json/reader.hpp"
#include "tessera/io/text/utf8.hpp"

namespace tessera::io {

namespace detail {

/// A JSON text (RFC 8259, UTF-8 without byte order mark) read in one pass without recursion. The
/// one extra rule: numbers must lie in double's range, where neither infinity nor 0 stands for
/// them.
class JsonReader {
 public:
  JsonReader(std::string_view text, JsonHandler& handler, std::size_t longest)
      : text_(text), handler_(handler), longest_(longest) {}

  void read() {
    next();
    value();
    while (!open_.empty()) {
      const bool in_object = open_.back() == '{';
      next();
      if (token_ == ',') {
        next();
        if (in_object) member();
        value();
      } else if (token_ == (in_object ? '}' : ']')) {
        close();
      } else {
        refuse();
      }
    }
    if (next() != end_of_text) refuse();
  }

 private:
  // A token is its first character, but for these.
  static constexpr char number_token = '0';
  static constexpr char end_of_text = '\0';

  [[noreturn]] void refuse() {
    handler_.syntax_error(at_);
    std::terminate();  // unless that throws, as it must
  }

  [[noreturn]] void refuse_long() {
    handler_.too_long();
    std::terminate();  // unless that throws, as it must
  }

  /// The value that begins with the current token, or the brackets that open it and its first
  /// member or element.
  void value() {
    for (;;) {
      switch (token_) {
        case '{':
          handler_.start_object();
          open_ += '{';
          if (next() == '}') return close();
          member();
          break;
        case '[':
          handler_.start_array();
          open_ += '[';
          if (next() == ']') return close();
          break;
        case '"':
          return handler_.string(string_);
        case number_token:
          return number();
        case 't':
        case 'f':
          return handler_.boolean(token_ == 't');
        case 'n':
          return handler_.null();
        default:
          refuse();
      }
    }
  }

  /// The name that is the current token and its colon; the next token begins the value.
  void member() {
    if (token_ != '"') refuse();
    handler_.key(string_);
    if (next() != ':') refuse();
    next();
  }

  void close() {
    const bool object = open_.back() == '{';
    open_.pop_back();
    if (object) {
      handler_.end_object();
    } else {
      handler_.end_array();
    }
  }

  /// The next byte, 0 to 255, or -1 at the end, which is counted too.
  int get() { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_++]) : (++at_, -1); }
  bool at_digit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }

  char next() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
    const int first = get();
    switch (first) {
      case -1:
        return token_ = end_of_text;
      case '{':
      case '}':
      case '[':
      case ']':
      case ':':
      case ',':
        return token_ = static_cast<char>(first);
      case '"':
        scan_string();
        return token_ = '"';
      case 't':
        return scan_word("true");
      case 'f':
        return scan_word("false");
      case 'n':
        return scan_word("null");
      default:
        --at_;
        scan_number();
        return token_ = number_token;
    }
  }

  char scan_word(std::string_view word) {
    for (const char letter : word.substr(1)) {
      if (get() != letter) refuse();
    }
    return token_ = word.front();
  }

  void scan_digits() {
    if (!at_digit()) {
      ++at_;
      refuse();
    }
    while (at_digit()) ++at_;
  }

  bool skip(char letter) {
    if (at_ == text_.size() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }

  void scan_number() {
    number_begin_ = at_;
    whole_ = true;
    skip('-');
    if (!skip('0')) scan_digits();
    if (skip('.')) {
      whole_ = false;
      scan_digits();
    }
    if (skip('e') || skip('E')) {
      whole_ = false;
      if (!skip('+')) skip('-');
      scan_digits();
    }
    if (at_ - number_begin_ > longest_) refuse_long();
  }

  void number() {
    const char* const first = text_.data() + number_begin_;
    const char* const last = text_.data() + at_;
    std::uint64_t natural = 0;
    std::int64_t negative = 0;
    double real = 0;
    if (whole_ && *first != '-' && std::from_chars(first, last, natural).ec == std::errc()) {
      handler_.number_unsigned(natural);
    } else if (whole_ && *first == '-' &&
               std::from_chars(first, last, negative).ec == std::errc()) {
      handler_.number_integer(negative);
    } else if (std::from_chars(first, last, real).ec == std::errc()) {
      handler_.number_float(real);
    } else {
      refuse();
    }
  }

  /// The rest of a string, its quote being read.
  void scan_string() {
    string_.clear();
    for (;;) {
      const int byte = get();
      if (byte == '"') return;
      if (byte < 0x20) refuse();  // a control character, or the end
      if (byte == '\\') {
        scan_escape();
      } else {
        string_ += static_cast<char>(byte);
        if (byte >= 0x80) scan_utf8(byte);
      }
      if (string_.size() > longest_) refuse_long();
    }
  }

  void scan_between(int lowest, int highest) {
    const int byte = get();
    if (byte < lowest || byte > highest) refuse();
    string_ += static_cast<char>(byte);
  }

  /// The bytes that follow the first one of a character: RFC 3629, table in section 4.
  void scan_utf8(int first) {
    if (first < 0xC2 || first > 0xF4) refuse();
    if (first >= 0xE0) {
      scan_between(first == 0xE0   ? 0xA0
                   : first == 0xF0 ? 0x90
                                   : 0x80,
                   first == 0xED   ? 0x9F
                   : first == 0xF4 ? 0x8F
                                   : 0xBF);
      if (first >= 0xF0) scan_between(0x80, 0xBF);
    }
    scan_between(0x80, 0xBF);
  }

  void scan_escape() {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const int letter = get();
    if (letter == 'u') return append_utf8(string_, scan_code_point());
    const std::size_t which =
        letter < 0 ? std::string_view::npos : letters.find(static_cast<char>(letter));
    if (which == std::string_view::npos) refuse();
    string_ += meanings[which];
  }

  std::uint32_t scan_hex() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = get();
      if (digit >= '0' && digit <= '9') {
        value = value * 16 + static_cast<std::uint32_t>(digit - '0');
      } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
        value = value * 16 + static_cast<std::uint32_t>((digit | 0x20) - 'a' + 10);
      } else {
        refuse();
      }
    }
    return value;
  }

  /// The code point of an escape \u: four digits, or two such halves of a surrogate pair.
  std::uint32_t scan_code_point() {
    const std::uint32_t high = scan_hex();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || get() != '\\' || get() != 'u') refuse();
    const std::uint32_t low = scan_hex();
    if (low < 0xDC00 || low > 0xDFFF) refuse();
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  std::string_view text_;
  JsonHandler& handler_;
  std::size_t longest_;
  std::size_t at_ = 0;  ///< bytes read
  char token_ = end_of_text;
  std::string string_;            ///< the last string token
  std::size_t number_begin_ = 0;  ///< of the last number token, which ends at at_
  bool whole_ = true;             ///< it is digits alone, maybe after a minus
  std::string open_;              ///< the brackets that wait for their end
};

}  // namespace detail

TESSERA_INLINE void read_json(std::string_view text, JsonHandler& handler, std::size_t longest) {
  detail::JsonReader(text, handler, longest).read();
}

}  // namespace tessera::io
