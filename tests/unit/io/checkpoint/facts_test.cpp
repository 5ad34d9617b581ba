#include "tessera/io/checkpoint/facts.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

namespace {

CheckpointFacts facts_of(const std::string& name, CheckpointOptions options = {}) {
  return read_facts(open_checkpoint(Case(name).path(), std::move(options)));
}

/// The error about a changed copy of a file, after the name of the file.
template <class Change>
std::string complaint_after(const std::string& name, const Change& change,
                            CheckpointOptions options = {}) {
  const ScratchFolder folder;
  EditedFile file(name);
  change(file);
  const auto path = file.write(folder / "f.safetensors");
  const std::string text =
      file_error([&] { (void)read_facts(open_checkpoint(path, std::move(options))); });
  return text.substr(std::min(text.size(), path.string().size() + 2));
}

}  // namespace

TEST_CASE("the facts of every published file, and where each is from") {
  for (const std::string& name : case_names()) {
    const Case published(name);
    const Fixture& expected = published.expected;
    const CheckpointFacts facts = read_facts(open_checkpoint(published.path()));
    INFO(name);
    const std::string kind = published.kind();
    const bool alone = kind == "decoder" || kind == "predictor";
    CHECK(kind_name(facts.kind) ==
          (kind == "mae" || kind == "ijepa" || alone ? kind : std::string("encoder")));
    CHECK(facts.encoder.has_value() != alone);
    if (facts.encoder) {
      CHECK(facts.encoder->dim == expected.integer("embed_dim"));
      CHECK(facts.encoder->depth == expected.integer("depth"));
      CHECK(facts.encoder->mlp_hidden == expected.integer("mlp_hidden"));
      CHECK(facts.encoder->qkv_bias == expected.flag("qkv_bias"));
      CHECK(facts.encoder->layer_scale == expected.flag("layer_scale"));
      CHECK(facts.encoder->gated == (expected.text("mlp") == "swiglu"));
      CHECK(facts.patch_size == expected.integer("patch_size"));
      CHECK(facts.in_chans == expected.integer("in_chans"));
      CHECK(facts.class_token == expected.flag("class_token"));
      CHECK(facts.reg_tokens == expected.integer("reg_tokens"));
      CHECK(facts.no_embed_class == expected.flag("no_embed_class"));
      CHECK(facts.fc_norm == expected.flag("fc_norm"));
      CHECK((facts.global_pool.value == GlobalPool::avg) ==
            (expected.text("global_pool") == "avg"));
      const std::string from = expected.text("heads_from");
      CHECK(origin_name(facts.num_heads.from) == (from == "asked" ? "" : from));
      if (facts.num_heads.value) CHECK(*facts.num_heads.value == expected.integer("num_heads"));
      const Size image{expected.integer("image_height"), expected.integer("image_width")};
      if (expected.text("grid_from") == "asked") {
        CHECK_FALSE(facts.image_size.value.has_value());
      } else {
        CHECK(facts.image_size.value == image);
      }
    }
    CHECK(facts.decoder.has_value() == (kind == "mae" || kind == "ijepa" || alone));
    if (facts.decoder) {
      CHECK(facts.decoder->dim == expected.integer("decoder_embed_dim"));
      CHECK(facts.decoder->depth == expected.integer("decoder_depth"));
      CHECK(facts.decoder->mlp_hidden == expected.integer("decoder_mlp_hidden"));
    }
    CHECK(facts.layer_norm_eps.value == expected.number("layer_norm_eps"));
    CHECK(origin_name(facts.layer_norm_eps.from) == expected.text("eps_from"));
    if (kind == "mae" && published.tells_norm_pix()) {
      CHECK(facts.norm_pix_loss.value == expected.flag("norm_pix_loss"));
    } else if (kind == "mae") {
      CHECK_FALSE(facts.norm_pix_loss.value.has_value());
    }
  }
}

TEST_CASE("what is given counts before what the file says") {
  const CheckpointFacts facts = facts_of(
      "hf_mae_published",
      {.num_heads = 4, .decoder_num_heads = 1, .layer_norm_eps = 1e-5, .norm_pix_loss = false});
  CHECK(facts.num_heads.value == 4);
  CHECK(facts.num_heads.from == Origin::given);
  CHECK(facts.decoder_num_heads.value == 1);
  CHECK(facts.layer_norm_eps.value == 1e-5);
  CHECK(facts.norm_pix_loss.value == false);
  CHECK(facts_of("ijepa_zip", {.num_heads = 2}).decoder_num_heads.value == 2);
  CHECK(facts_of("ijepa_zip", {.num_heads = 2}).decoder_num_heads.from == Origin::naming);
}

TEST_CASE("the grid is a square unless something says otherwise") {
  const auto size = [](const std::string& name, CheckpointOptions options = {}) {
    return facts_of(name, std::move(options)).image_size;
  };
  CHECK(size("timm_swiglu").value == Size{8, 8});
  CHECK(size("timm_swiglu").from == Origin::square_grid);
  CHECK(size("timm_swiglu", {.image_size = Size{4, 16}}).value == Size{4, 16});
  CHECK(size("hf_vit_sharded").from == Origin::config_json);
  CHECK(size("timm_registers_embedded").value == std::nullopt);
  const CheckpointFacts embedded = facts_of("timm_registers_embedded", {.image_size = Size{8, 10}});
  CHECK(embedded.position_prefix == 3);
  CHECK_FALSE(embedded.no_embed_class);
  CHECK(facts_of("timm_swiglu").no_embed_class);
  CHECK(facts_of("timm_swiglu").position_prefix == 0);
  CHECK(facts_of("dinov2_registers").position_prefix == 1);
  CHECK(complaint_after("timm_hub_head", [](EditedFile&) {}, {.image_size = Size{8, 8}}) ==
        "image_size 8 x 8 (given) in patches of 2 does not make the 20 that the file has positions "
        "for");
}

TEST_CASE("config.json and tensors must agree") {
  const ScratchFolder folder;
  const auto path = EditedFile("hf_vit").write(folder / "model.safetensors");
  const auto error_with = [&](const std::string& json) {
    write_file(folder / "config.json", bytes_of(json));
    const std::string text = file_error([&] { (void)read_facts(open_checkpoint(path)); });
    return text.substr(std::min(text.size(), (folder / "config.json: ").string().size()));
  };
  CHECK(error_with(R"({"hidden_size": 16})") ==
        "hidden_size is 16, but the tensors of " + path.string() + " make it 12");
  CHECK(error_with(R"({"num_hidden_layers": 2})") ==
        "num_hidden_layers is 2, but the tensors of " + path.string() + " make it 1");
  CHECK(error_with(R"({"hidden_act": "gelu_new"})") ==
        "hidden_act 'gelu_new' is not supported; gelu and gelu_pytorch_tanh are");
  CHECK(error_with(R"({"num_attention_heads": "many"})") ==
        "num_attention_heads is no whole number from 0 to 2^31");
  write_file(folder / "config.json", bytes_of(R"({"image_size": 10})"));
  CHECK(file_error([&] { (void)read_facts(open_checkpoint(path)); }) ==
        path.string() +
            ": image_size 10 x 10 (config.json) in patches of 2 does not make the 16 "
            "that the file has positions for");
}

TEST_CASE("encoder and decoder must fit each other") {
  CHECK(complaint_after("mae_visualize",
                        [](EditedFile& f) { f.add("model.decoder_pred.weight", {47, 8}); }) ==
        "tensor 'decoder_pred.weight': has shape [47, 8], but the other tensors make it "
        "[48, 8]");
  CHECK(complaint_after("mae_visualize",
                        [](EditedFile& f) { f.add("model.decoder_embed.weight", {9, 16}); }) ==
        "tensor 'decoder_embed.weight': has shape [9, 16], but the other tensors make it "
        "[8, 16]");
  CHECK(complaint_after("ijepa_zip",
                        [](EditedFile& f) {
                          std::erase_if(f.tensors,
                                        [](const auto& t) { return t.first.starts_with("opt."); });
                          f.add("predictor.module.predictor_proj.weight", {13, 8});
                        }) ==
        "tensor 'predictor.module.predictor_proj.weight': has shape [13, 8], but the other "
        "tensors make it [12, 8]");
  CHECK(complaint_after("timm_swiglu",
                        [](EditedFile& f) { f.add("patch_embed.proj.weight", {12, 3, 2, 3}); }) ==
        "tensor 'patch_embed.proj.weight': has shape [12, 3, 2, 3], but the other tensors "
        "make it [12, 3, 2, 2]");
}

TEST_CASE("an encoder without its patch embedding is no decoder, but one that is not whole") {
  const auto complaint_without = [](const char* name, const char* tensor) {
    return complaint_after(name, [&](EditedFile& f) { REQUIRE(f.tensors.erase(tensor) == 1); });
  };
  CHECK(complaint_without("timm_fc_norm_head", "patch_embed.proj.weight") ==
        "tensor 'patch_embed.proj.weight': is missing (naming timm)");
  CHECK(complaint_without("hf_vit", "embeddings.patch_embeddings.projection.weight") ==
        "tensor 'embeddings.patch_embeddings.projection.weight': is missing (naming hugging_face)");
  CHECK(complaint_without("mae_visualize", "model.patch_embed.proj.weight") ==
        "tensor 'patch_embed.proj.weight': is missing (naming mae)");
}

TEST_CASE("a square number of positions beside a class token alone is asked about") {
  // 9 rows: 3 x 3 without one for the class token, or 2 x 4 with it.
  const ScratchFolder folder;
  EditedFile file("timm_fc_norm_head");
  file.add("pos_embed", {1, 9, 12});
  const auto path = file.write(folder / "f.safetensors");
  const CheckpointFacts facts = read_facts(open_checkpoint(path));
  CHECK(facts.unclear_positions);
  CHECK(facts.image_size.value == std::nullopt);
  const Checkpoint asked = open_checkpoint(path, {.num_heads = 3});
  CHECK(file_error([&] { (void)encoder_config(asked, read_facts(asked)); }) ==
        path.string() +
            ": image_size cannot be told from the file (9 positions are a square, or another grid "
            "with one for the class token); give image_size");
  const auto with = [&](const Size& size) {
    return read_facts(open_checkpoint(path, {.image_size = size}));
  };
  CHECK(with({6, 6}).no_embed_class);
  CHECK(with({6, 6}).position_prefix == 0);
  CHECK_FALSE(with({4, 8}).no_embed_class);
  CHECK(with({4, 8}).position_prefix == 1);
  CHECK_FALSE(with({4, 8}).unclear_positions);
  // A model that is there has said which.
  for (const bool without : {true, false}) {
    MaskedVisionTransformer<float> vit({.image_size = without ? Size{6, 6} : Size{4, 8},
                                        .patch_size = 2,
                                        .embed_dim = 12,
                                        .depth = 1,
                                        .num_heads = 3,
                                        .mlp_ratio = detail::mlp_ratio(*facts.encoder),
                                        .no_embed_class = without,
                                        .global_pool = GlobalPool::avg,
                                        .fc_norm = true});
    CHECK(load_weights(path, vit).resized.empty());
  }
}

TEST_CASE(
    "positions are resampled as that code does, with antialiasing where there are registers") {
  const auto filter = [](const std::string& name) { return facts_of(name).resampling.value; };
  using kernels::Bicubic;
  CHECK(filter("hf_dinov2") == Bicubic::plain);
  CHECK(filter("hf_dinov2_registers") == Bicubic::antialias);
  CHECK(filter("dinov2_plain") == Bicubic::plain);
  CHECK(filter("dinov2_registers") == Bicubic::antialias);
  CHECK(filter("mae_encoder") == Bicubic::plain);
  CHECK(filter("timm_swiglu") == Bicubic::antialias);
}

}  // namespace tessera::io::test
