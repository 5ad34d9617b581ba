#include "tessera/io/text/utf8.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "support/catch.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::io::test {

namespace {

std::string from_bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

bool is_utf8_for_nlohmann(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

TEST_CASE("is_utf8 knows the borders of every form") {
  for (const auto& text : {from_bytes({0x7F}), from_bytes({0xC2, 0x80}), from_bytes({0xDF, 0xBF}),
                           from_bytes({0xE0, 0xA0, 0x80}), from_bytes({0xED, 0x9F, 0xBF}),
                           from_bytes({0xEE, 0x80, 0x80}), from_bytes({0xF0, 0x90, 0x80, 0x80}),
                           from_bytes({0xF4, 0x8F, 0xBF, 0xBF})}) {
    CHECK(is_utf8(text));
    CHECK_FALSE(is_utf8(text.substr(0, text.size() - 1) + "\xC0"));
    if (text.size() > 1) CHECK_FALSE(is_utf8(text.substr(0, text.size() - 1)));
  }
  for (const auto& text :
       {from_bytes({0x80}), from_bytes({0xC0, 0x80}), from_bytes({0xC1, 0xBF}),
        from_bytes({0xE0, 0x9F, 0xBF}), from_bytes({0xED, 0xA0, 0x80}),
        from_bytes({0xF0, 0x8F, 0xBF, 0xBF}), from_bytes({0xF4, 0x90, 0x80, 0x80}),
        from_bytes({0xF5, 0x80, 0x80, 0x80}), from_bytes({0xFF})}) {
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("is_utf8 agrees with a JSON library on every pair of bytes and what may follow") {
  Index apart = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const auto& rest : {from_bytes({}), from_bytes({0x80}), from_bytes({0x80, 0x80}),
                               from_bytes({0xBF, 0x41})}) {
        const std::string text = from_bytes({first, second}) + rest;
        apart += is_utf8(text) != is_utf8_for_nlohmann(text);
      }
    }
  }
  CHECK(apart == 0);
}

TEST_CASE("code points are appended in UTF-8") {
  std::string text;
  for (const std::uint32_t code : {0x24U, 0xE4U, 0x20ACU, 0x1F600U}) append_utf8(text, code);
  CHECK(text == "$ä€😀");
  for (const std::uint32_t code :
       {0U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    text.clear();
    append_utf8(text, code);
    CHECK(is_utf8(text));
  }
}

}  // namespace tessera::io::test
