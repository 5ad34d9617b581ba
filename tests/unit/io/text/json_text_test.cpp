#include "tessera/io/text/json_text.hpp"

#include <nlohmann/json.hpp>

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("json_string writes what a JSON library writes") {
  std::string all;
  for (int code = 0; code < 128; ++code) all += static_cast<char>(code);
  for (const std::string& text : {std::string(), std::string("a.b"), all, std::string("é€😀")}) {
    CHECK(json_string(text) == nlohmann::json(text).dump());
    CHECK(nlohmann::json::parse(json_string(text)) == text);
  }
}

}  // namespace tessera::io::test
