#include "tessera/io/checkpoint/published_sizes.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/naming/translate.hpp"

namespace tessera::io::test {

namespace {

/// A file that has the names and shapes of a model, and no values: facts need none.
class HeaderOnly {
 public:
  HeaderOnly(const char* naming, Layout layout) : writer_(find_naming(naming), layout) {}

  void add(const std::string& ours, const std::vector<Index>& shape) {
    const std::vector<TableName> theirs = writer_.find(ours);
    REQUIRE_FALSE(theirs.empty());
    for (const TableName& name : theirs) {
      StoredTensor tensor{name.name, Dtype::f32, shape, {}, {}, {}};
      tensor.shape[0] /= static_cast<Index>(theirs.size());
      table_.tensors.push_back(std::move(tensor));
    }
  }
  void add_stack(const std::string& prefix, Index dim, Index depth, Index hidden, Index positions) {
    add(prefix + "pos_embed", {1, positions, dim});
    for (Index i = 0; i < depth; ++i) {
      const std::string block = concat(prefix, "blocks.", i, ".");
      add(block + "attn.qkv.weight", {3 * dim, dim});
      add(block + "attn.proj.weight", {dim, dim});
      add(block + "mlp.fc1.weight", {hidden, dim});
      add(block + "mlp.fc2.weight", {dim, hidden});
    }
  }
  void add_encoder(const std::string& prefix, Index dim, Index depth, Index hidden,
                   bool class_token = true) {
    add_stack(prefix, dim, depth, hidden, class_token ? 197 : 196);
    if (class_token) add(prefix + "cls_token", {1, 1, dim});
    add(prefix + "patch_embed.proj.weight", {dim, 3, 16, 16});
  }
  void add_predictor(Index dim, Index encoder_dim, Index depth) {
    add_stack("predictor.", dim, depth, 4 * dim, 196);
    add("predictor_embed.weight", {dim, encoder_dim});
    add("predictor_proj.weight", {encoder_dim, dim});
  }

  /// All tensors as part of an entry.
  void move_into(const std::string& entry) {
    for (StoredTensor& tensor : table_.tensors) tensor.name = entry + "." + tensor.name;
  }

  CheckpointFacts facts(CheckpointOptions options = {}, const char* config = "{}") const {
    return read_facts(open_checkpoint(TensorSource(table_, "file", TensorFormat::safetensors),
                                      options, parse_json_values(config, "config.json")));
  }

 private:
  NameWriter writer_;
  TensorTable table_;
};

/// An MAE of ViT-B with a decoder.
CheckpointFacts mae_facts(const char* naming, Index dim, Index depth, Index hidden) {
  HeaderOnly file(naming, Layout::mae);
  file.add_encoder("encoder.", 768, 12, 3072);
  file.add_stack("decoder.", dim, depth, hidden, 197);
  file.add("decoder_embed.weight", {dim, 768});
  file.add("prediction_head.weight", {768, dim});
  return file.facts();
}

}  // namespace

TEST_CASE("encoders of the published sizes have their heads, in every naming") {
  struct Size {
    Index dim, depth, hidden, heads;
  };
  for (const Size& size :
       {Size{192, 12, 768, 3}, Size{384, 12, 1536, 6}, Size{768, 12, 3072, 12},
        Size{1024, 24, 4096, 16}, Size{1280, 32, 5120, 16}, Size{1408, 40, 6144, 16}}) {
    for (const char* naming : {"timm", "mae", "torchvision", "hugging_face", "lightly"}) {
      HeaderOnly file(naming, Layout::plain);
      file.add_encoder("encoder.", size.dim, size.depth, size.hidden);
      const CheckpointFacts facts = file.facts();
      INFO(naming << " " << size.dim);
      CHECK(facts.num_heads.value == size.heads);
      CHECK(facts.num_heads.from == Origin::published_size);
    }
  }
  CHECK(detail::published_encoder_heads("timm", {.dim = 1536, .depth = 40, .mlp_hidden = 4096}) ==
        24);
  CHECK(detail::published_encoder_heads("timm", {.dim = 768, .depth = 11, .mlp_hidden = 3072}) ==
        std::nullopt);
  CHECK(detail::published_encoder_heads("timm", {.dim = 768, .depth = 12, .mlp_hidden = 2048}) ==
        std::nullopt);
}

TEST_CASE("models whose heads are not those of their size have their own, or are asked about") {
  HeaderOnly base("timm", Layout::plain);
  base.add_encoder("encoder.", 768, 12, 3072);
  const auto heads_of = [&](const char* config) { return base.facts({}, config).num_heads; };
  CHECK(heads_of(R"({"architecture": "vit_base_patch16_gap_224"})").value == 16);
  CHECK(heads_of(R"({"architecture": "vit_base_patch16_gap_224"})").from == Origin::config_json);
  CHECK(heads_of(R"({"architecture": "vit_base_patch16_siglip_gap_224"})").value == 12);
  CHECK(base.facts({.num_heads = 8}, R"({"architecture": "vit_base_patch16_gap_224"})")
            .num_heads.value == 8);

  // MoCo v3 has 12 in its ViT-S.
  HeaderOnly small("timm", Layout::plain);
  small.add_encoder("encoder.", 384, 12, 1536);
  CHECK(small.facts().num_heads.value == 6);
  small.move_into("base_encoder");
  CHECK(small.facts({.entry = "base_encoder"}).num_heads.value == std::nullopt);
}

TEST_CASE("heads and epsilons that no model can have are refused with where they are from") {
  HeaderOnly file("hugging_face", Layout::plain);
  file.add_encoder("encoder.", 768, 12, 3072);
  CHECK(file_error([&] { (void)file.facts({}, R"({"layer_norm_eps": -1})"); }) ==
        "file: layer_norm_eps -1 (config.json) is not positive");
  CHECK(file_error([&] { (void)file.facts({}, R"({"num_attention_heads": 0})"); }) ==
        "file: num_heads 0 (config.json) is not positive");
}

TEST_CASE("only the decoder of the published MAE has known heads") {
  for (const char* naming : {"mae", "hugging_face", "hugging_face_v5"}) {
    INFO(naming);
    CHECK(mae_facts(naming, 512, 8, 2048).decoder_num_heads.value == 16);
    CHECK(mae_facts(naming, 512, 4, 2048).decoder_num_heads.value == std::nullopt);
    // As wide as ViT-S and ViT-B, which have 6 and 12; decoders of that size have not.
    CHECK(mae_facts(naming, 384, 12, 1536).decoder_num_heads.value == std::nullopt);
    CHECK(mae_facts(naming, 768, 12, 3072).decoder_num_heads.value == std::nullopt);
  }
  CHECK(mae_facts("lightly", 512, 8, 2048).decoder_num_heads.value == std::nullopt);
  HeaderOnly alone("lightly_decoder", Layout::decoder);
  alone.add_stack("decoder.", 512, 8, 2048, 197);
  CHECK(alone.facts().decoder_num_heads.value == std::nullopt);
}

TEST_CASE("a predictor has its encoder's heads in the I-JEPA code, and is asked about elsewhere") {
  const auto facts = [](const char* naming, Layout layout, bool encoders, Index dim) {
    HeaderOnly file(naming, layout);
    if (encoders) {
      file.add_encoder("encoder.", 1280, 32, 5120, false);
      file.add_encoder("target_encoder.", 1280, 32, 5120, false);
    }
    file.add_predictor(dim, 1280, 12);
    return file.facts().decoder_num_heads;
  };
  for (const Index dim : {384, 512}) {
    CHECK(facts("ijepa", Layout::ijepa, true, dim).value == 16);
    CHECK(facts("ijepa", Layout::ijepa, true, dim).from == Origin::naming);
    CHECK(facts("lightly", Layout::ijepa, true, dim).value == std::nullopt);
    for (const char* naming : {"lightly_predictor", "lightly_predictor_legacy"}) {
      CHECK(facts(naming, Layout::predictor, false, dim).value == std::nullopt);
    }
  }
}

}  // namespace tessera::io::test
