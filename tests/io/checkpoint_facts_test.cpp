#include "tessera/io/checkpoint_facts.hpp"

#include "io/checkpoint_support.hpp"
#include "support/catch.hpp"

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
      CHECK((facts.encoder->activation == Activation::swiglu) ==
            (expected.text("mlp") == "swiglu"));
      CHECK(facts.patch_size == expected.integer("patch_size"));
      CHECK(facts.in_chans == expected.integer("in_chans"));
      CHECK(facts.class_token == expected.flag("class_token"));
      CHECK(facts.reg_tokens == expected.integer("reg_tokens"));
      CHECK(facts.no_embed_class == expected.flag("no_embed_class"));
      CHECK(facts.fc_norm == expected.flag("fc_norm"));
      CHECK((facts.global_pool == GlobalPool::avg) == (expected.text("global_pool") == "avg"));
      const std::string from = expected.text("heads_from");
      CHECK(facts.num_heads.from == (from == "asked" ? "" : from));
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
    CHECK(facts.layer_norm_eps.from == expected.text("eps_from"));
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
  CHECK(facts.num_heads.from == "given");
  CHECK(facts.decoder_num_heads.value == 1);
  CHECK(facts.layer_norm_eps.value == 1e-5);
  CHECK(facts.norm_pix_loss.value == false);
  CHECK(facts_of("ijepa_zip", {.num_heads = 2}).decoder_num_heads.value == 2);
  CHECK(facts_of("ijepa_zip", {.num_heads = 2}).decoder_num_heads.from == "naming");
}

TEST_CASE("the sizes that were published imply their heads") {
  const auto heads = [](Index dim, Index depth) {
    return detail::published_heads({.dim = dim, .depth = depth}).value;
  };
  CHECK(heads(192, 12) == 3);
  CHECK(heads(768, 12) == 12);
  CHECK(heads(1024, 24) == 16);
  CHECK(heads(1280, 32) == 16);
  CHECK(heads(1408, 40) == 16);
  CHECK(heads(1536, 40) == 24);
  CHECK(heads(512, 8) == 16);
  CHECK(heads(768, 11) == std::nullopt);
}

TEST_CASE("the grid is a square unless something says otherwise") {
  const auto size = [](const std::string& name, CheckpointOptions options = {}) {
    return facts_of(name, std::move(options)).image_size;
  };
  CHECK(size("timm_swiglu").value == Size{8, 8});
  CHECK(size("timm_swiglu").from == "square grid");
  CHECK(size("timm_swiglu", {.image_size = Size{4, 16}}).value == Size{4, 16});
  CHECK(size("hf_vit_sharded").from == "config.json");
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
        "hidden_act 'gelu_new' is not supported; gelu is");
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
                        [](EditedFile& f) {
                          f.add("model.decoder_pred.weight", {47, 8});
                        }) ==
        "tensor 'decoder_pred.weight': has shape [47, 8], but the other tensors make it "
        "[48, 8]");
  CHECK(complaint_after("mae_visualize",
                        [](EditedFile& f) {
                          f.add("model.decoder_embed.weight", {9, 16});
                        }) ==
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
                        [](EditedFile& f) {
                          f.add("patch_embed.proj.weight", {12, 3, 2, 3});
                        }) ==
        "tensor 'patch_embed.proj.weight': has shape [12, 3, 2, 3], but the other tensors "
        "make it [12, 3, 2, 2]");
}

}  // namespace tessera::io::test
