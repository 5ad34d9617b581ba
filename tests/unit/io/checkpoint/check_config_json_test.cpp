#include "tessera/io/checkpoint/check_config_json.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/model_config.hpp"

namespace tessera::io::test {

namespace {

/// A file with a config.json beside it.
class Pair {
 public:
  explicit Pair(const std::string& name)
      : path_(EditedFile(name).write(folder_ / "model.safetensors")) {}

  /// What reading the facts says about such a config.json, after its name.
  std::string error_with(const std::string& json) const {
    write_file(folder_ / "config.json", bytes_of(json));
    const std::string text = file_error([&] { (void)read_facts(open_checkpoint(path_)); });
    const std::string begin = (folder_ / "config.json: ").string();
    return text.starts_with(begin) ? text.substr(begin.size()) : text;
  }
  /// What is said where the tensors make another value.
  std::string contradiction(const std::string& key, const std::string& said,
                            const std::string& actual) const {
    return key + " is " + said + ", but the tensors of " + path_.string() + " make it " + actual;
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path folder() const { return folder_ / ""; }

 private:
  ScratchFolder folder_;
  std::filesystem::path path_;
};

const std::string none = "(no exception)";

}  // namespace

TEST_CASE("every key of Hugging Face that tensors decide must agree with them") {
  const Pair vit("hf_vit");
  for (const auto& [key, wrong, right] :
       {std::tuple("hidden_size", "16", "12"), std::tuple("num_hidden_layers", "2", "1"),
        std::tuple("intermediate_size", "99", "20"), std::tuple("patch_size", "8", "2"),
        std::tuple("num_channels", "1", "3"), std::tuple("qkv_bias", "true", "false"),
        std::tuple("num_register_tokens", "4", "0")}) {
    const auto json = [&, key = key](const char* value) {
      return concat("{\"", key, "\": ", value, "}");
    };
    CHECK(vit.error_with(json(wrong)) == vit.contradiction(key, wrong, right));
    CHECK(vit.error_with(json(right)) == none);
  }
  CHECK(vit.error_with(R"({"patch_size": [2, 4]})") == vit.contradiction("patch_size.1", "4", "2"));
  CHECK(vit.error_with(R"({"hidden_act": "gelu_new"})") ==
        "hidden_act 'gelu_new' is not supported; gelu and gelu_pytorch_tanh are");

  const Pair mae("hf_mae_published");
  for (const char* key :
       {"decoder_hidden_size", "decoder_num_hidden_layers", "decoder_intermediate_size"}) {
    CHECK(mae.error_with(concat("{\"", key, "\": 99}")).starts_with(concat(key, " is 99, but")));
  }
}

TEST_CASE("the type of a model must be one that its tensors can be") {
  const Pair vit("hf_vit");
  CHECK(vit.error_with(R"({"model_type": "vit"})") == none);
  CHECK(vit.error_with(R"({"model_type": "vit_mae"})") == none);
  CHECK(vit.error_with(R"({"model_type": "ijepa"})") ==
        "model_type is 'ijepa', but " + vit.path().string() +
            " has a class token, 0 registers and no LayerScale");
  CHECK(vit.error_with(R"({"model_type": "bert"})") ==
        "model_type 'bert' is not supported; vit, vit_mae, vit_msn, ijepa, dinov2 and "
        "dinov2_with_registers are");
  CHECK(vit.error_with(R"({"model_type": "vit_msn"})") == none);
  CHECK(Pair("hf_dinov2").error_with(R"({"model_type": "dinov2"})") == none);
  CHECK(Pair("hf_dinov2").error_with(R"({"model_type": "dinov2_with_registers"})") != none);
  CHECK(Pair("hf_ijepa").error_with(R"({"model_type": "vit"})") != none);
  CHECK(Pair("hf_dinov2")
            .error_with(R"({"model_type": "dinov2", "mlp_ratio": 17})")
            .starts_with("mlp_ratio is 17, which makes an MLP of "));
  for (const char* name : {"hf_dinov2", "hf_dinov2_swiglu", "hf_dinov2_registers"}) {
    INFO(name);
    (void)read_facts(Case(name).open());  // whose own config.json has the ratio
    CHECK(Case(name).open().config.contains("mlp_ratio"));
  }
}

TEST_CASE("timm's arguments must be understood and agree") {
  const Pair timm("timm_fc_norm_head");
  const auto error = [&](const std::string& arguments, const std::string& name = "vit_x") {
    return timm.error_with("{\"architecture\": \"" + name + "\", \"model_args\": {" + arguments +
                           "}}");
  };
  CHECK(error("") == none);
  for (const auto& [key, wrong, right] :
       {std::tuple("embed_dim", "13", "12"), std::tuple("depth", "3", "1"),
        std::tuple("in_chans", "1", "3"), std::tuple("patch_size", "4", "2"),
        std::tuple("class_token", "false", "true"), std::tuple("reg_tokens", "2", "0"),
        std::tuple("qkv_bias", "false", "true"), std::tuple("fc_norm", "false", "true")}) {
    CHECK(error(concat("\"", key, "\": ", wrong)) ==
          timm.contradiction(std::string("model_args.") + key, wrong, right));
    CHECK(error(concat("\"", key, "\": ", right)) == none);
  }
  CHECK(error("\"mlp_ratio\": 7").starts_with("model_args.mlp_ratio is 7, but the tensors of "));
  CHECK(error("\"init_values\": 1e-5").starts_with("model_args.init_values is 1e-05, but"));
  CHECK(error("\"init_values\": null") == none);
  CHECK(error("\"swiglu_align_to\": 8") == "model_args.swiglu_align_to is not understood");
  CHECK(error("\"act_layer\": \"gelu_tanh\"") == none);
  CHECK(error("\"act_layer\": \"quick_gelu\"") ==
        "model_args.act_layer 'quick_gelu' is not supported; gelu and gelu_tanh are");
  CHECK(error("\"act_layer\": \"gelu\", \"qk_norm\": false, \"pos_embed\": \"learn\"") == none);
  CHECK(error("\"qk_norm\": true") == "model_args.qk_norm is supported only as false");
  CHECK(error("\"final_norm\": false") == "model_args.final_norm is supported only as true");
  CHECK(error("\"global_pool\": \"map\"") ==
        "model_args.global_pool 'map' is not supported; token and avg are");
  CHECK(timm.error_with(R"({"architecture": "vit_x", "num_features": 13})") ==
        timm.contradiction("num_features", "13", "12"));
}

TEST_CASE("timm's arguments answer what tensors do not say") {
  const auto facts = [](const char* name, const char* config) {
    return read_facts(open_checkpoint(open_tensors(Case(name).path()), {},
                                      parse_json_values(config, "config.json")));
  };
  CHECK(facts("timm_training", R"({"architecture": "vit_x"})").global_pool.from ==
        Origin::standard);
  const CheckpointFacts average =
      facts("timm_training", R"({"architecture": "vit_x", "model_args": {"global_pool": "avg"}})");
  CHECK(average.global_pool.value == GlobalPool::avg);
  CHECK(average.global_pool.from == Origin::config_json);
}

TEST_CASE("timm's models that compute something else with the same tensors are refused by name") {
  const Pair timm("timm_fc_norm_head");
  const auto error = [&](const std::string& name) {
    return timm.error_with("{\"architecture\": \"" + name + "\"}");
  };
  for (const char* name :
       {"vit_base_patch16_224", "vit_small_patch14_reg4_dinov2", "vit_base_patch16_siglip_gap_224",
        "vit_so400m_patch14_siglip_gap_224", "vit_large_patch16_siglip_gap_256",
        "deit3_base_patch16_224", "flexivit_base", "vit_base_patch32_plus_256"}) {
    INFO(name);
    CHECK(error(name) == none);
  }
  const auto refused = [&](const char* name, const char* why) {
    INFO(name);
    CHECK(error(name) == concat("architecture '", name, "' is not supported: ", why));
  };
  refused("vit_base_patch16_rpn_224", "its blocks normalize after attention and MLP, not before");
  refused("vit_base_patch16_clip_quickgelu_224", "its activation is quick GELU, not GELU");
  refused("aimv2_large_patch14_224", "it has RMS norms");
}

TEST_CASE("a config.json of other code than the tensors is left aside, unless it was given") {
  const Pair timm("timm_fc_norm_head");
  CHECK(timm.error_with(R"({"model_type": "bert", "num_attention_heads": 4, "patch_size": 8})") ==
        none);
  const Checkpoint file = open_checkpoint(timm.path());
  CHECK(file.unused_config == (timm.folder() / "config.json").string() +
                                  " is of hugging_face, but the tensors have names of timm");
  CHECK(read_facts(file).num_heads.value == std::nullopt);
  CHECK(file_error([&] {
          (void)open_checkpoint(timm.path(), {.config = timm.folder() / "config.json"});
        }) == (timm.folder() / "config.json").string() +
                  ": is of hugging_face, but the tensors have names of timm");
  const Pair vit("hf_vit");
  CHECK(vit.error_with(R"({"architecture": "vit_base_patch16_rpn_224"})") == none);
  // Hugging Face's wrapper of timm's models keeps timm's settings.
  CHECK(timm.error_with(
                R"({"model_type": "timm_wrapper", "architecture": "vit_base_patch16_rpn_224"})")
            .starts_with("architecture 'vit_base_patch16_rpn_224' is not supported"));
}

}  // namespace tessera::io::test
