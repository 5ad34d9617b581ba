#include "tessera/io/preprocessing/settings_json.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("settings in JSON: null is nothing, a list or an object is something") {
  const JsonValues json = parse_json_values(
      R"({"a": null, "b": 1, "c": {"d": 2}, "e": [3], "bb": {"f": null}})", "s.json");
  CHECK(!detail::has_setting(json, "a"));
  CHECK(detail::has_setting(json, "b"));
  CHECK(detail::has_setting(json, "c"));
  CHECK(detail::has_setting(json, "e"));
  CHECK(!detail::has_setting(json, "bb"));
  CHECK(!detail::has_setting(json, "cc"));
  const std::array<std::string_view, 2> known{"b", "c"};
  CHECK(file_error([&] { detail::refuse_unknown_keys(json, "", known, "us"); }) ==
        "s.json: e is no setting that is known of us");
  const std::array<std::string_view, 3> all{"b", "c", "e"};
  CHECK(file_error([&] { detail::refuse_unknown_keys(json, "", all, "us"); }) == "(no exception)");
}

TEST_CASE("settings in JSON: sides have limits") {
  CHECK(file_error([] { detail::check_side("s", "key", 0); }) ==
        "s: key 0 is not between 1 and 16384");
  CHECK(file_error([] { detail::check_sides("s", "key", {1, 16385}); }) ==
        "s: key 16385 is not between 1 and 16384");
  CHECK(file_error([] { detail::check_sides("s", "key", {1, 16384}); }) == "(no exception)");
}

}  // namespace tessera::io::test
