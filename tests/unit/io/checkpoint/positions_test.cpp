#include "tessera/io/checkpoint/positions.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

namespace {

/// timm_fc_norm_head (12 wide, patches of 2) with other prefix tokens and positions.
struct Variant {
  bool class_token;
  Index registers;
  Index rows;
  bool fc_norm = false;
};

CheckpointFacts facts_of(const Variant& variant, CheckpointOptions options = {}) {
  const ScratchFolder folder;
  EditedFile file("timm_fc_norm_head");
  std::erase_if(file.tensors, [](const auto& item) { return item.first.starts_with("head."); });
  if (!variant.class_token) file.tensors.erase("cls_token");
  if (variant.registers > 0) file.add("reg_token", {1, variant.registers, 12});
  file.add("pos_embed", {1, variant.rows, 12});
  if (!variant.fc_norm) {
    file.rename("fc_norm.weight", "norm.weight");
    file.rename("fc_norm.bias", "norm.bias");
  }
  options.naming = "timm";
  return read_facts(open_checkpoint(file.write(folder / "f.safetensors"), options));
}

}  // namespace

TEST_CASE("positions: a grid has so many patches, however large the image claims to be") {
  CHECK(detail::is_grid_of({8, 10}, 2, 20));
  CHECK_FALSE(detail::is_grid_of({8, 10}, 2, 21));
  CHECK_FALSE(detail::is_grid_of({7, 10}, 2, 15));
  CHECK_FALSE(detail::is_grid_of({0, 10}, 2, 0));
  const Index large = Index{1} << 62;
  CHECK_FALSE(detail::is_grid_of({large, large}, 2, 0));
  CHECK_FALSE(detail::is_grid_of({large, large}, 2, 16));
  CHECK(detail::square_of(49) == Size{7, 7});
  CHECK_FALSE(detail::square_of(50).has_value());
  CHECK_FALSE(detail::square_of(0).has_value());
}

TEST_CASE("positions: the prefix has rows of its own or not, by what makes a grid") {
  const auto rows_of = [](const Variant& variant) {
    const CheckpointFacts facts = facts_of(variant);
    return std::pair(facts.position_prefix, facts.no_embed_class);
  };
  CHECK(rows_of({.class_token = true, .registers = 0, .rows = 17}) == std::pair(Index{1}, false));
  CHECK(rows_of({.class_token = true, .registers = 4, .rows = 16}) == std::pair(Index{0}, true));
  CHECK(rows_of({.class_token = true, .registers = 4, .rows = 21}) == std::pair(Index{5}, false));
  // As timm's so150m has it: registers with positions and no class token.
  CHECK(rows_of({.class_token = false, .registers = 4, .rows = 20}) == std::pair(Index{4}, false));
  CHECK(rows_of({.class_token = false, .registers = 0, .rows = 16}) == std::pair(Index{0}, false));
  CHECK(facts_of({.class_token = true, .registers = 0, .rows = 16}).unclear_positions);
  CHECK(facts_of({.class_token = true, .registers = 4, .rows = 20}, {.image_size = Size{8, 10}})
            .no_embed_class);
  CHECK_FALSE(
      facts_of({.class_token = true, .registers = 4, .rows = 20}, {.image_size = Size{6, 10}})
          .no_embed_class);
}

TEST_CASE("positions: registers without a class token are not pooled unless something says so") {
  const CheckpointFacts mean = facts_of({.class_token = false, .registers = 4, .rows = 16});
  CHECK(mean.global_pool.value == GlobalPool::avg);
  CHECK(mean.global_pool.from == Origin::tensors);
  const CheckpointFacts given = facts_of({.class_token = false, .registers = 4, .rows = 16},
                                         {.global_pool = GlobalPool::token});
  CHECK(given.global_pool.value == GlobalPool::token);
  CHECK(facts_of({.class_token = true, .registers = 4, .rows = 16}).global_pool.value ==
        GlobalPool::token);
  CHECK(facts_of({.class_token = true, .registers = 0, .rows = 17, .fc_norm = true})
            .global_pool.value == GlobalPool::avg);
}

}  // namespace tessera::io::test
