#include "tessera/io/json/strict_handler.hpp"

#include <stdexcept>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

/// Takes whole numbers in one object.
class Numbers final : public StrictJsonHandler {
 public:
  int sum = 0;

  void start_object() override {}
  void end_object() override {}
  void key(std::string& /*name*/) override {}
  void number_unsigned(std::uint64_t value) override { sum += static_cast<int>(value); }
  [[noreturn]] void too_long() override { throw std::runtime_error("too long"); }
  [[noreturn]] void syntax_error(std::size_t /*position*/) override {
    throw std::runtime_error("no JSON");
  }

 private:
  [[noreturn]] void refuse_value(std::string_view kind) const override {
    throw std::runtime_error(std::string(kind));
  }
};

std::string error_of(std::string_view json) {
  return file_error([&] {
    Numbers numbers;
    read_json(json, numbers, 6);
  });
}

}  // namespace

TEST_CASE("what a handler does not take is refused by its kind") {
  Numbers numbers;
  read_json(R"({"a": 2, "b": 3})", numbers, 6);
  CHECK(numbers.sum == 5);
  CHECK(error_of(R"({"a": null})") == "null");
  CHECK(error_of(R"({"a": true})") == "a boolean");
  CHECK(error_of(R"({"a": -1})") == "a negative number");
  CHECK(error_of(R"({"a": 0.5})") == "a number that is no 64-bit integer");
  CHECK(error_of(R"({"a": "b"})") == "a string");
  CHECK(error_of(R"({"a": []})") == "an array");
  CHECK(error_of(R"({"a": })") == "no JSON");
}

TEST_CASE("texts and numbers longer than the limit are refused as they grow") {
  CHECK(error_of(R"({"abcdef": 123456})") == "(no exception)");
  CHECK(error_of(R"({"abcdefg": 1})") == "too long");
  CHECK(error_of(R"({"a": 1234567})") == "too long");
}

}  // namespace tessera::io::test
