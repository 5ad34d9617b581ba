#include "tessera/io/json/reader.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "tessera/core/random/generator.hpp"

using tessera::io::JsonHandler;
using tessera::io::read_json;

namespace {

/// Where a text was refused.
struct Refused {
  std::size_t position;
};

std::string hexadecimal(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%a", value);
  return text.data();
}

/// Writes down what it is told, one word for each call.
struct Log final : JsonHandler {
  void null() override { text += "null;"; }
  void boolean(bool value) override { text += value ? "true;" : "false;"; }
  void number_unsigned(std::uint64_t value) override { text += "u" + std::to_string(value) + ";"; }
  void number_integer(std::int64_t value) override { text += "i" + std::to_string(value) + ";"; }
  void number_float(double value) override { text += "f" + hexadecimal(value) + ";"; }
  void string(std::string& value) override { text += "s" + value + ";"; }
  void key(std::string& name) override { text += "k" + name + ";"; }
  void start_object() override { text += "{"; }
  void end_object() override { text += "}"; }
  void start_array() override { text += "["; }
  void end_array() override { text += "]"; }
  [[noreturn]] void too_long() override { throw Refused{0}; }
  [[noreturn]] void syntax_error(std::size_t position) override { throw Refused{position}; }

  std::string text;
};

/// Writes down in the same words what nlohmann/json reads.
struct PeerLog final : nlohmann::json_sax<nlohmann::json> {
  bool null() override { return log.null(), true; }
  bool boolean(bool value) override { return log.boolean(value), true; }
  bool number_unsigned(number_unsigned_t value) override {
    return log.number_unsigned(value), true;
  }
  bool number_integer(number_integer_t value) override { return log.number_integer(value), true; }
  bool number_float(double value, const std::string& /*text*/) override {
    return log.number_float(value), true;
  }
  bool string(std::string& value) override { return log.string(value), true; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool key(std::string& name) override { return log.key(name), true; }
  bool start_object(std::size_t /*size*/) override { return log.start_object(), true; }
  bool end_object() override { return log.end_object(), true; }
  bool start_array(std::size_t /*size*/) override { return log.start_array(), true; }
  bool end_array() override { return log.end_array(), true; }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    throw Refused{position};
  }

  Log log;
};

/// The log of a text, with "refused at N" behind it if it was refused.
std::string reading(std::string_view text) {
  Log log;
  try {
    read_json(text, log, text.size());
  } catch (const Refused& refused) {
    log.text += "refused at " + std::to_string(refused.position);
  }
  return log.text;
}

std::string peer_reading(std::string_view text) {
  PeerLog peer;
  try {
    nlohmann::json::sax_parse(text, &peer);
  } catch (const Refused& refused) {
    peer.log.text += "refused at " + std::to_string(refused.position);
  }
  return peer.log.text;
}

}  // namespace

TEST_CASE("JSON is read piece by piece in the order of the text") {
  CHECK(reading(R"({"a": [1, -2, 0.5, "b"], "c": {"d": null}, "e": [true, false], "f": {}})") ==
        "{ka;[u1;i-2;f0x1p-1;sb;]kc;{kd;null;}ke;[true;false;]kf;{}}");
  CHECK(reading(" \t\r\n7\n") == "u7;");
  CHECK(reading("[]") == "[]");
  CHECK(reading(R"("")") == "s;");
}

TEST_CASE("Whole JSON numbers stay whole as far as 64 bits go") {
  CHECK(reading("18446744073709551615") == "u18446744073709551615;");
  CHECK(reading("18446744073709551616") == "f0x1p+64;");
  CHECK(reading("-9223372036854775808") == "i-9223372036854775808;");
  CHECK(reading("-9223372036854775809") == "f-0x1p+63;");
  CHECK(reading("-0") == "i0;");
  CHECK(reading("1e0") == "f0x1p+0;");
}

TEST_CASE("Escapes in JSON become UTF-8") {
  CHECK(reading(R"("\"\\\/\b\f\n\r\t")") == "s\"\\/\b\f\n\r\t;");
  CHECK(reading(R"("\u0041\u00e9\u20AC\ud83d\ude00")") ==
        "sA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80;");
}

TEST_CASE("The byte that shows that a text is no JSON is named") {
  CHECK(reading("") == "refused at 1");
  CHECK(reading("{") == "{refused at 2");
  CHECK(reading("{}x") == "{}refused at 3");
  CHECK(reading("[1 2]") == "[u1;refused at 4");
  CHECK(reading("[1,]") == "[u1;refused at 4");
  CHECK(reading("01") == "u0;refused at 2");
  CHECK(reading("\"\x1F\"") == "refused at 2");
  CHECK(reading("\"a\xED\xA0\x80\"") == "refused at 4");
  CHECK(reading(R"("\udc00")") == "refused at 7");
  CHECK(reading("\xEF\xBB\xBF{}") == "refused at 1");
}

TEST_CASE("JSON numbers beyond the range of double are refused, large or small") {
  CHECK(reading("1e999") == "refused at 5");
  CHECK(reading("-1e999") == "refused at 6");
  CHECK(reading("1e-999") == "refused at 6");
  CHECK(reading("5e-324") == "f0x0.0000000000001p-1022;");
}

TEST_CASE("Deep nesting of JSON takes no stack") {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  CHECK(reading(deep) == deep);
}

TEST_CASE("JSON is read, and refused, as nlohmann reads it") {
  const std::array<std::string, 8> seeds{
      R"({"a":[1,2.5,-3,"x\u00e9\ud83d\ude00\n\"",true,false,null,{"b":{}},[]],"c":-0.0e+10})",
      "[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"]",
      "[18446744073709551615,18446744073709551616,-9223372036854775809,0,-0,1E5]",
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
      " \t\r\n[ 1 , 2 ]\n",
      R"(["\ud800\udc00","\b\f\r\t\/\\"])",
      "nul",
      "{\"a\":1,}"};
  constexpr std::string_view letters =
      "{}[]:,\"\\utrfnbaelsd0123456789-+.eE \t\n\xC3\xA9\xED\xA0\xF4\x90\xE0\x80\xFF/'x";
  tessera::Generator generator(0);
  const auto below = [&](std::size_t count) {
    return static_cast<std::size_t>(generator.randint(0, static_cast<tessera::Index>(count)));
  };
  int apart = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t change = below(4); change > 0; --change) {
      const std::size_t place = below(text.size() + 1);
      const char letter = letters[below(letters.size())];
      if (below(3) == 0) {
        text.resize(place);
      } else if (place < text.size() && below(2) == 0) {
        text[place] = letter;
      } else {
        text.insert(place, 1, letter);
      }
    }
    apart += reading(text) != peer_reading(text);
  }
  CHECK(apart == 0);
}
