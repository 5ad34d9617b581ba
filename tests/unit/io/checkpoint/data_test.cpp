#include "tessera/io/checkpoint/data.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("checkpoint data: tensors are found by our names and their beginnings") {
  const Checkpoint file = Case("timm_fc_norm_head").open();
  REQUIRE(file.find("encoder.cls_token") != nullptr);
  CHECK(file.find("encoder.cls_token")->stored == std::vector<std::string>{"cls_token"});
  CHECK(file.find("encoder.cls") == nullptr);
  CHECK(file.contains("encoder.pos_embed"));
  CHECK(file.contains_part("encoder.blocks.0."));
  CHECK_FALSE(file.contains_part("encoder.blocks.7."));
  CHECK_FALSE(file.contains_part("zzz"));
  CHECK(file.whole.tensors().size() == file.source.tensors().size());
}

TEST_CASE("checkpoint data: rows of an MLP's first layer") {
  CHECK(StackShape{.mlp_hidden = 16}.mlp_rows() == 16);
  CHECK(StackShape{.mlp_hidden = 16, .gated = true}.mlp_rows() == 32);
}

}  // namespace tessera::io::test
