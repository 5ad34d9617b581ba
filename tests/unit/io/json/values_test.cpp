#include "tessera/io/json/values.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

JsonValues parsed(std::string_view text) { return parse_json_values(text, "c.json"); }

std::string refusal(std::string_view text) {
  return file_error([&] { (void)parsed(text); });
}

}  // namespace

TEST_CASE("JSON values stand under their paths") {
  const JsonValues values = parsed(
      R"( {"a": 3, "b": {"c": [1, {"d": "x"}, [2.5]], "e": {}}, "f": true, "g": null, "h": []})");
  CHECK(values.values().size() == 6);
  CHECK(values.get<Index>("a") == 3);
  CHECK(values.get<double>("a") == 3.0);
  CHECK(values.get<Index>("b.c.0") == 1);
  CHECK(values.get<std::string>("b.c.1.d") == "x");
  CHECK(values.get<double>("b.c.2.0") == 2.5);
  CHECK(values.get<bool>("f") == true);
  CHECK(values.contains("g"));
  CHECK(values.get<bool>("g") == std::nullopt);
  CHECK(values.get<Index>("z") == std::nullopt);
  CHECK(parsed("{}").values().empty());
}

TEST_CASE("a JSON value of another kind is refused with its path") {
  const JsonValues values = parsed(R"({"a": -1, "b": 1.5, "c": "x", "d": 1e300, "e": true})");
  for (const char* path : {"a", "b", "c", "d", "e"}) {
    CHECK(file_error([&] { (void)values.get<Index>(path); }) ==
          concat("c.json: ", path, " is no whole number from 0 to 2^31"));
  }
  CHECK(file_error([&] { (void)values.get<bool>("a"); }) == "c.json: a is not a truth value");
  CHECK(file_error([&] { (void)values.get<double>("c"); }) == "c.json: c is not a number");
  CHECK(file_error([&] { (void)values.get<std::string>("e"); }) == "c.json: e is not a text");
}

TEST_CASE("what is no JSON object of bounded size is refused") {
  CHECK(refusal("") == "c.json: is not a JSON object");
  CHECK(refusal("[1]") == "c.json: is not a JSON object");
  CHECK(refusal("3") == "c.json: is not a JSON object");
  CHECK(refusal("{\"a\": 1") == "c.json: is not JSON in UTF-8 (stopped at its byte 8)");
  CHECK(refusal("{\"a\": 1} x") == "c.json: is not JSON in UTF-8 (stopped at its byte 10)");
  CHECK(refusal("{\"a\": \"\xFF\"}").starts_with("c.json: is not JSON in UTF-8"));
  CHECK(refusal("{\"a\": 1e999}").starts_with("c.json: is not JSON in UTF-8"));
  CHECK(refusal(std::string_view("{\"a\": 1}\0", 9)) == "c.json: contains a zero byte");
  CHECK(refusal(R"({"a": 1, "a": 2})") == "c.json: key 'a' occurs twice");
  CHECK(refusal(R"({"a": {"b": 1}, "a.b": 2})") == "c.json: key 'a.b' occurs twice");

  std::string deep = "{\"a\": ";
  for (int i = 0; i < 100000; ++i) deep += '[';
  CHECK(refusal(deep) == "c.json: is nested deeper than 32");
  CHECK(refusal("{\"" + std::string(2000, 'k') + "\": 1}") == "c.json: a path of keys is too long");
  std::string many = "{\"a\": [0";
  for (std::size_t i = 0; i < JsonLimits::values; ++i) many += ",0";
  CHECK(refusal(many + "]}") == "c.json: holds more than 100000 values");
}

TEST_CASE("a JSON file is read, and its size is limited") {
  const ScratchFolder folder;
  write_file(folder / "config.json", bytes_of(R"({"hidden_size": 12})"));
  CHECK(read_json_values(folder / "config.json").get<Index>("hidden_size") == 12);
  CHECK(read_json_values(folder / "config.json").label() == (folder / "config.json").string());
  CHECK(file_error([&] {
          (void)read_json_values(folder / "none.json");
        }).starts_with((folder / "none.json").string() + ": cannot be opened"));
  std::filesystem::resize_file(folder / "config.json", JsonLimits::file_bytes + 1);
  CHECK(file_error([&] { (void)read_json_values(folder / "config.json"); }) ==
        (folder / "config.json").string() + ": has 4000001 bytes; the limit is 4000000");
}

}  // namespace tessera::io::test
