#include "tessera/io/checkpoint/known.hpp"

#include "support/catch.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io::test {

TEST_CASE("known: every origin has a text of its own, and three of them are guesses") {
  CHECK(origin_name(Origin::unknown).empty());
  CHECK(origin_name(Origin::given) == "given");
  CHECK(origin_name(Origin::config_json) == "config.json");
  CHECK(origin_name(Origin::preprocessor_config_json) == "preprocessor_config.json");
  CHECK(origin_name(Origin::published_size) == "published size");
  CHECK(origin_name(Origin::square_grid) == "square grid");
  CHECK(origin_name(Origin::standard) == "default");
  CHECK(concat("heads (", Origin::metadata, ")") == "heads (metadata)");
  CHECK(is_guess(Origin::published_size));
  CHECK(is_guess(Origin::square_grid));
  CHECK(is_guess(Origin::standard));
  CHECK_FALSE(is_guess(Origin::naming));
  CHECK_FALSE(is_guess(Origin::tensors));
}

TEST_CASE("known: the first source that has a value counts") {
  const Known<int> none{std::nullopt, Origin::given};
  const Known<int> three{3, Origin::metadata};
  const Known<int> four{4, Origin::standard};
  CHECK(detail::first_known<int>({none, three, four}).value == 3);
  CHECK(detail::first_known<int>({none, three, four}).from == Origin::metadata);
  CHECK(detail::first_known<int>({none}).from == Origin::unknown);
}

}  // namespace tessera::io::test
