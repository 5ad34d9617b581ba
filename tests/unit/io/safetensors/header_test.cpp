#include "tessera/io/safetensors/header.hpp"

#include <random>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

/// {"a": ...} with these fields.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

struct Malformed {
  std::string json;
  std::uint64_t data_bytes;
  std::string message;
};

}  // namespace

TEST_CASE("a header is read into entries in the order of their bytes") {
  const SafetensorsHeader header = parse_safetensors_header(
      R"({"b":{"shape":[2,3],"dtype":"F32","data_offsets":[8,32]},"__metadata__":{"k":"v","":""},)"
      R"("empty":{"dtype":"I64","shape":[4,0],"data_offsets":[8,8]},)"
      R"("a":{"data_offsets":[0,8],"dtype":"F64","shape":[]}}  )",
      32);
  CHECK(header.metadata == TensorMetadata{{"", ""}, {"k", "v"}});
  REQUIRE(header.entries.size() == 3);
  CHECK(header.entries[0].name == "a");
  CHECK(header.entries[0].dtype == Dtype::f64);
  CHECK(header.entries[0].shape.empty());
  CHECK(header.entries[0].element_count() == 1);
  CHECK(header.entries[1].name == "empty");
  CHECK(header.entries[1].shape == std::vector<Index>{4, 0});
  CHECK(header.entries[1].element_count() == 0);
  CHECK(header.entries[2].name == "b");
  CHECK(header.entries[2].begin == 8);
  CHECK(header.entries[2].end == 32);
  CHECK(parse_safetensors_header("{}", 0).entries.empty());
}

TEST_CASE("names are any UTF-8") {
  const SafetensorsHeader header = parse_safetensors_header(
      R"({"\u540d\u524d é\n":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1);
  CHECK(header.entries[0].name == "名前 é\n");
}

TEST_CASE("malformed headers are refused with tensor and reason and without large allocations") {
  const std::string deep(100'000, '[');
  const std::vector<Malformed> cases = {
      // not JSON
      {"", 0, "header does not begin with '{'"},
      {"[]", 0, "header does not begin with '{'"},
      {" {}", 0, "header does not begin with '{'"},
      {"\xEF\xBB\xBF{}", 0, "header does not begin with '{'"},
      {std::string("{}\0\0", 4), 0, "header contains a zero byte"},
      {"{", 0, "header is not JSON in UTF-8 (stopped at its byte 2)"},
      {"{}x", 0, "header is not JSON in UTF-8 (stopped at its byte 3)"},
      {"{}{}", 0, "header is not JSON in UTF-8 (stopped at its byte 3)"},
      {"{/**/}", 0, "header is not JSON in UTF-8 (stopped at its byte 2)"},
      {"{\"a\xFF\":1}", 0, "header is not JSON in UTF-8 (stopped at its byte 4)"},
      {R"({"\ud800":1})", 0, "header is not JSON in UTF-8 (stopped at its byte 9)"},
      {R"({"a":{"dtype":"F32",}})", 0, "header is not JSON in UTF-8 (stopped at its byte 21)"},
      // JSON of another form
      {R"({"a":1})", 0, "tensor 'a': a number has no place here"},
      {R"({"a":null})", 0, "tensor 'a': null has no place here"},
      {R"({"a":[]})", 0, "tensor 'a': an array has no place here"},
      {R"({"a":"F32"})", 0, "tensor 'a': a string has no place here"},
      {R"({"a":-0.5})", 0, "tensor 'a': a number that is no 64-bit integer has no place here"},
      {R"({"a":{"dtype":5}})", 0, "tensor 'a': a number has no place here"},
      {R"({"a":{"dtype":{}}})", 0, "tensor 'a': an object has no place here"},
      {R"({"a":{"shape":true}})", 0, "tensor 'a': a boolean has no place here"},
      {R"({"a":{"more":1}})", 0, "tensor 'a': unknown field 'more'"},
      {R"({"__metadata__":3})", 0, "'__metadata__': a number has no place here"},
      {R"({"__metadata__":{"k":3}})", 0, "metadata: a number has no place here"},
      {R"({"__metadata__":{"k":{}}})", 0, "metadata: an object has no place here"},
      {R"({"a":)" + deep, 0, "tensor 'a': an array has no place here"},
      {entry("F32", deep, "[0,0]"), 0, "tensor 'a': an array has no place here"},
      {R"({"a":{"shape":)" + std::string(100'000, '{'), 0,
       "tensor 'a': an object has no place here"},
      // repetition and absence
      {R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
       R"("a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}})",
       2, "key 'a' occurs twice"},
      {R"({"a":{"dtype":"U8","dtype":"U8"}})", 0, "tensor 'a': field 'dtype' occurs twice"},
      {R"({"a":{"shape":[],"shape":[]}})", 0, "tensor 'a': field 'shape' occurs twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "key '__metadata__' occurs twice"},
      {R"({"__metadata__":{"k":"v","k":"v"}})", 0, "metadata: key 'k' occurs twice"},
      {R"({"a":{"shape":[],"data_offsets":[0,1]}})", 1, "tensor 'a': dtype is missing"},
      {R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1, "tensor 'a': shape is missing"},
      {R"({"a":{"dtype":"U8","shape":[]}})", 1, "tensor 'a': data_offsets is missing"},
      // dtype and shape
      {entry("F8_E4M3", "[]", "[0,1]"), 1, "tensor 'a': dtype 'F8_E4M3' is not supported"},
      {entry("f32", "[]", "[0,4]"), 4, "tensor 'a': dtype 'f32' is not supported"},
      {entry("F32", "[-1]", "[0,4]"), 4, "tensor 'a': shape holds a negative number"},
      {entry("F32", "[1.0]", "[0,4]"), 4,
       "tensor 'a': shape holds a number that is no 64-bit integer"},
      {entry("F32", "[18446744073709551616]", "[0,4]"), 4,
       "tensor 'a': shape holds a number that is no 64-bit integer"},
      {entry("F32", "[\"1\"]", "[0,4]"), 4, "tensor 'a': a string has no place here"},
      {entry("F32", "[9223372036854775808]", "[0,4]"), 4,
       "tensor 'a': dimension 9223372036854775808 is above the limit of 281474976710656"},
      {entry("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
       "tensor 'a': shape has more than 16 dimensions"},
      {entry("F32", "[4294967296,4294967296]", "[0,0]"), 0,
       "tensor 'a': shape [4294967296, 4294967296] has too many elements"},
      {entry("F64", "[2097152,2097152,524288]", "[0,0]"), 0,
       "tensor 'a': shape [2097152, 2097152, 524288] has too many elements"},
      {entry("U8", "[0,4294967296,4294967296]", "[0,0]"), 0,
       "tensor 'a': shape [0, 4294967296, 4294967296] has too many elements"},
      // offsets
      {entry("F32", "[1]", "[0]"), 4, "tensor 'a': data_offsets has less than 2 numbers"},
      {entry("F32", "[1]", "[0,4,8]"), 4, "tensor 'a': data_offsets has more than 2 numbers"},
      {entry("F32", "[1]", "[0,-4]"), 4, "tensor 'a': data_offsets holds a negative number"},
      {entry("F32", "[1]", "[0,1e1]"), 4,
       "tensor 'a': data_offsets holds a number that is no 64-bit integer"},
      {entry("F32", "[1]", "[4,0]"), 4, "tensor 'a': data_offsets [4, 0] run backwards"},
      {entry("F32", "[1]", "[0,8]"), 8,
       "tensor 'a': data_offsets [0, 8] span 8 bytes, but F32 of shape [1] needs 4"},
      {entry("BF16", "[2,3]", "[0,10]"), 10,
       "tensor 'a': data_offsets [0, 10] span 10 bytes, but BF16 of shape [2, 3] needs 12"},
      {entry("F32", "[0]", "[0,4]"), 4,
       "tensor 'a': data_offsets [0, 4] span 4 bytes, but F32 of shape [0] needs 0"},
      {entry("F32", "[268435456,1048576]", "[0,1125899906842624]"), 4,
       "tensor 'a': ends at byte 1125899906842624 of the data, which has only 4"},
      {entry("U8", "[1]", "[18446744073709551614,18446744073709551615]"), 4,
       "tensor 'a': ends at byte 18446744073709551615 of the data, which has only 4"},
      {entry("F32", "[1]", "[4,8]"), 8, "tensor 'a': leaves a gap of 4 bytes before it"},
      {entry("F32", "[0]", "[4,4]"), 4, "tensor 'a': leaves a gap of 4 bytes before it"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
       7, "tensor 'b': overlaps the tensor before it"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       4, "tensor 'b': overlaps the tensor before it"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
       4, "tensor 'b': overlaps the tensor before it"},
      {entry("F32", "[1]", "[0,4]"), 7, "3 bytes follow the last tensor"},
      {"{}", 1, "1 bytes follow the last tensor"},
  };
  for (const Malformed& bad : cases) {
    CAPTURE(bad.json.substr(0, 200));
    std::string message;
    const std::size_t allocated = tessera::test::heap_bytes_of(
        [&] { message = file_error([&] { parse_safetensors_header(bad.json, bad.data_bytes); }); });
    CHECK(message == bad.message);
    CHECK(allocated < 8192);
  }
}

TEST_CASE("long and unprintable names are shown short and safe") {
  const std::string name = "\\u001b[2J" + std::string(200, 'x');
  CHECK(file_error([&] { parse_safetensors_header("{\"" + name + "\":1}", 0); }) ==
        "tensor '.[2J" + std::string(76, 'x') + "...': a number has no place here");
}

TEST_CASE("names of tensors have a limit, texts of metadata another") {
  const auto header = [](const std::string& name) {
    return "{\"" + name + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
  };
  CHECK(parse_safetensors_header(header(std::string(4096, 'n')), 0).entries.size() == 1);
  CHECK(file_error([&] { parse_safetensors_header(header(std::string(4097, 'n')), 0); }) ==
        "tensor '" + std::string(80, 'n') + "...': names are limited to 4096 bytes");
  const std::string text(5000, 'm');
  CHECK(parse_safetensors_header("{\"__metadata__\":{\"" + text + "\":\"" + text + "\"}}", 0)
            .metadata.size() == 1);
}

TEST_CASE("trailing bytes can be allowed, missing ones cannot") {
  const std::string json = entry("F32", "[1]", "[0,4]");
  const SafetensorsOptions lenient{.allow_trailing_bytes = true};
  CHECK(parse_safetensors_header(json, 7, lenient).entries.size() == 1);
  CHECK(file_error([&] { parse_safetensors_header(json, 3, lenient); }) ==
        "tensor 'a': ends at byte 4 of the data, which has only 3");
}

TEST_CASE("every truncation and damaged byte of a header is refused or still consistent") {
  const std::string json =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b":{"dtype":"BOOL","shape":[],"data_offsets":[24,25]}})";
  REQUIRE(parse_safetensors_header(json, 25).entries.size() == 2);
  for (std::size_t size = 0; size < json.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(parse_safetensors_header(json.substr(0, size), 25), std::runtime_error);
  }
  int refused = 0;
  int inconsistent = 0;
  for (std::size_t position = 0; position < json.size(); ++position) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = json;
      damaged[position] = static_cast<char>(value);
      try {
        const SafetensorsHeader header = parse_safetensors_header(damaged, 25);
        std::uint64_t next = 0;
        for (const SafetensorsEntry& found : header.entries) {
          const auto bytes = detail::byte_count(found.shape, found.dtype);
          if (found.begin != next || bytes != found.end - found.begin) ++inconsistent;
          next = found.end;
        }
        if (next != 25) ++inconsistent;
      } catch (const std::runtime_error&) {
        ++refused;
      }
    }
  }
  CHECK(inconsistent == 0);
  CHECK(refused > 20'000);
}

}  // namespace tessera::io::test
