#include "tessera/run/run_state.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::run::test {

using io::test::bytes_of;
using io::test::file_error;
using io::test::ScratchFolder;

TEST_CASE("a state comes back as it was") {
  const ScratchFolder folder;
  const RunState state{.step = 123,
                       .place = {4, 5},
                       .seed = ~std::uint64_t{0},
                       .log_bytes = std::uint64_t{1} << 40,
                       .data = {9, std::uint64_t{1} << 60, 0xfedcba9876543210U},
                       .settings = {{"method", "mae"}, {"view0.size", "8x8"}, {"b", "\"x\""}}};
  save_state(folder / "state.json", state);
  const RunState loaded = load_state(folder / "state.json");
  CHECK(loaded.step == state.step);
  CHECK(loaded.place == state.place);
  CHECK(loaded.seed == state.seed);
  CHECK(loaded.log_bytes == state.log_bytes);
  CHECK(loaded.data == state.data);
  CHECK(difference(loaded.settings, state.settings) == "");
}

TEST_CASE("settings that differ are named") {
  const SettingList one{{"a", "1"}, {"b", "2"}};
  CHECK(difference(one, {{"b", "2"}, {"a", "1"}}) == "");
  CHECK(difference(one, {{"a", "1"}, {"b", "3"}}) == "the recipe has b = 3 now, and had 2");
  CHECK(difference(one, {{"a", "1"}, {"b", "2"}, {"c", "3"}}) ==
        "the recipe has c = 3 now, and had none");
  CHECK(difference(one, {{"a", "1"}}) == "the recipe has no b now, and had 2");
}

TEST_CASE("files that are no states are refused") {
  const ScratchFolder folder;
  const auto error = [&](std::string_view text) {
    io::write_file(folder / "s", bytes_of(text));
    const std::string message = file_error([&] { load_state(folder / "s"); });
    REQUIRE(message.starts_with((folder / "s").string() + ": "));
    return message.substr((folder / "s").string().size() + 2);
  };
  CHECK(error("{}") == "has no step");
  CHECK(error("{\"step\":1,\"epoch\":0,\"batch\":0}") == "has no seed");
  CHECK(error("{\"step\":1,\"epoch\":0,\"batch\":0,\"seed\":\"x\"}") == "seed is no number");
  CHECK_FALSE(error("nonsense").empty());
}

}  // namespace tessera::run::test
