#include "tessera/io/inspect/self_test.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/models/random_model.hpp"
#include "tessera/io/weights/convert.hpp"
#include "tessera/io/weights/export.hpp"

namespace tessera::io::test {

namespace {

MaskedVisionTransformerConfig small(bool class_token) {
  return {.image_size = {8, 8},
          .patch_size = 4,
          .embed_dim = 8,
          .depth = 1,
          .num_heads = 2,
          .class_token = class_token};
}

/// An encoder 64 wide with every kind of parameter, and room for an odd patch.
MaskedVisionTransformerConfig wide() {
  return {.image_size = {12, 20},
          .patch_size = 4,
          .embed_dim = 64,
          .depth = 2,
          .num_heads = 4,
          .reg_tokens = 2,
          .init_values = 0.5};
}

template <class Model>
Model random(Model model) {
  tessera::test::randomize(model, 1);
  return model;
}

/// Saves with a self-test and returns what verify says of the model that comes back.
template <class Model>
double verified(const Model& model, Model loaded, std::optional<Dtype> dtype = std::nullopt) {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  save_weights(path, model, {.dtype = dtype, .metadata = self_test(model, dtype)});
  const Checkpoint file = open_checkpoint(path);
  CHECK(has_self_test(file));
  load_weights(file, loaded);
  return verify(file, loaded);
}

/// Changes one value of each parameter in turn: verify must find the least change, and the outputs
/// must show a large one.
template <class Model>
void check_every_parameter(const Model& saved) {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  save_weights(path, saved, {.metadata = self_test(saved)});
  const Checkpoint file = open_checkpoint(path);
  REQUIRE(verify(file, saved) == 0);
  auto changed = saved;
  std::size_t count = 0;
  for (const auto& parameter : named_parameters(changed)) {
    INFO(parameter.name);
    // Off every grid that few samples would be on; the first third of a bias of q, k and v.
    auto& value = parameter.values[parameter.values.size() * 2 / 7];
    const auto before = value;
    value = std::nextafter(before, before + 1);  // to the bit
    CHECK(file_error([&] {
            verify(file, changed);
          }).ends_with("self-test: the parameters are not those that were saved"));
    value = before + 1;
    const detail::Probe probe(changed);
    detail::SelfTestComparison comparison(file);
    CHECK(file_error([&] {
            comparison.check_outputs("tessera.self_test.output", probe.outputs());
            comparison.check_outputs("tessera.self_test.masked_output", probe.masked_outputs());
          }).find("self-test: the outputs differ by ") != std::string::npos);
    value = before;
    ++count;
  }
  CHECK(count == named_parameters(saved).size());
  CHECK(verify(file, changed) == 0);
}

}  // namespace

TEST_CASE("a model that is loaded as it was saved passes its self-test") {
  const MAEConfig mae{
      .encoder = small(true), .decoder_embed_dim = 4, .decoder_depth = 1, .decoder_num_heads = 1};
  const IJEPAConfig ijepa{.encoder = small(false),
                          .predictor_embed_dim = 4,
                          .predictor_depth = 1,
                          .predictor_num_heads = 1};
  CHECK(verified(random(MAE<float>(mae)), MAE<float>(mae)) < 1e-6);
  CHECK(verified(random(IJEPA<float>(ijepa)), IJEPA<float>(ijepa)) < 1e-6);
  const MaskedVisionTransformer<double> encoder(small(true));
  CHECK(verified(random(encoder), encoder) < 1e-12);
  const auto decoder = random(MAE<float>(mae)).decoder;
  CHECK(verified(decoder, MAE<float>(mae).decoder) < 1e-6);
}

TEST_CASE("the self-test is of the weights as they are stored, and holds in float and double") {
  const ScratchFolder folder;
  const MaskedVisionTransformer<float> encoder(small(true));
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    CHECK(verified(random(encoder), encoder, dtype) < 1e-6);
  }
  const auto in_double = random(MaskedVisionTransformer<double>(small(true)));
  save_weights(folder / "d", in_double, {.metadata = self_test(in_double)});
  const Checkpoint wide_file = open_checkpoint(folder / "d");
  CHECK(verify(wide_file, load_encoder<float>(wide_file)) < 1e-5);
  const auto in_float = random(encoder);
  save_weights(folder / "f", in_float, {.metadata = self_test(in_float)});
  const Checkpoint file = open_checkpoint(folder / "f");
  CHECK(verify(file, load_encoder<double>(file)) < 1e-5);
}

TEST_CASE("one changed value of any parameter is found, by sums and by outputs") {
  check_every_parameter(random(MAE<float>(
      {.encoder = wide(), .decoder_embed_dim = 64, .decoder_depth = 1, .decoder_num_heads = 4})));
  auto encoder = wide();
  encoder.global_pool = GlobalPool::avg;
  encoder.fc_norm = true;
  check_every_parameter(random(MaskedVisionTransformer<double>(encoder)));
  encoder = wide();
  encoder.class_token = false;
  encoder.reg_tokens = 0;
  const auto ijepa = random(IJEPA<float>({.encoder = encoder,
                                          .predictor_embed_dim = 64,
                                          .predictor_depth = 1,
                                          .predictor_num_heads = 4}));
  check_every_parameter(ijepa);
  check_every_parameter(ijepa.predictor);
}

TEST_CASE("another size, a missing self-test and a damaged text are refused") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const auto saved = random(MaskedVisionTransformer<float>(small(true)));
  save_weights(path, saved, {.metadata = self_test(saved)});
  const Checkpoint file = open_checkpoint(path);
  auto broken = saved;
  broken.norm->bias.value(0) = std::nanf("");
  const detail::Probe probe(broken);
  detail::SelfTestComparison comparison(file);
  CHECK(file_error([&] {
          comparison.check_outputs("tessera.self_test.output", probe.outputs());
        }) == path.string() + ": self-test: the outputs differ by inf of the largest value");

  MaskedVisionTransformerConfig other = small(true);
  other.image_size = {8, 12};
  CHECK(file_error([&] { verify(file, MaskedVisionTransformer<float>(other)); }) ==
        path.string() + ": self-test: is of another kind of model, or of another image size");

  auto coarse = saved;
  coarse.config.layer_norm_eps = 1e-5;
  CHECK(file_error([&] { verify(file, coarse); }) ==
        path.string() +
            ": layer_norm_eps is 1e-06 (metadata), but 1e-05 in the model; if the file "
            "is wrong, give layer_norm_eps");

  save_weights(path, saved);
  CHECK(file_error([&] { verify(open_checkpoint(path), saved); }) ==
        path.string() + ": has no self-test");
  for (const auto& [key, text, reason] :
       {std::tuple("output", "x", "its output cannot be read"),
        std::tuple("output", "1 2", "its output has 2 values, not 24"),
        std::tuple("output", "inf 2", "its output cannot be read"),
        std::tuple("parameters", "0", "its sums of the parameters cannot be read")}) {
    TensorMetadata metadata = self_test(saved);
    metadata[std::string("tessera.self_test.") + key] = text;
    save_weights(path, saved, {.metadata = metadata});
    CHECK(file_error([&] { verify(open_checkpoint(path), saved); }) ==
          path.string() + ": self-test: " + reason);
  }
}

TEST_CASE("a conversion keeps a self-test only where the parameters stay as they are") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const auto out = folder / "out.safetensors";
  MAEConfig config{
      .encoder = small(true), .decoder_embed_dim = 4, .decoder_depth = 1, .decoder_num_heads = 1};
  const auto mae = random(MAE<float>(config));
  save_weights(path, mae, {.metadata = self_test(mae)});
  const Checkpoint file = open_checkpoint(path);
  const auto converted = [&](const char* naming, const ConvertOptions& options = {}) {
    convert_weights(file, out, naming, options);
    return open_checkpoint(out);
  };
  for (const char* naming : {"mae", "lightly", "hugging_face"}) {
    INFO(naming);
    const Checkpoint same = converted(naming);
    CHECK(verify(same, load_mae<float>(same)) < 1e-6);
  }
  CHECK_FALSE(has_self_test(converted("mae", {.dtype = Dtype::bf16})));
  CHECK(has_self_test(converted("mae", {.dtype = Dtype::f32})));
  CHECK_FALSE(has_self_test(converted("timm", {.encoder_only = true})));

  // A class token without a position gets a row of zeros in MAE's code.
  config.encoder.no_embed_class = true;
  const auto encoder = random(MaskedVisionTransformer<float>(config.encoder));
  save_weights(path, encoder, {.metadata = self_test(encoder)});
  const Checkpoint without = open_checkpoint(path);
  convert_weights(without, out, "mae");
  CHECK_FALSE(has_self_test(open_checkpoint(out)));
  export_weights(out, encoder, "mae", {.metadata = self_test(encoder)});
  CHECK_FALSE(has_self_test(open_checkpoint(out)));
  export_weights(out, encoder, "timm", {.metadata = self_test(encoder)});
  const Checkpoint exported = open_checkpoint(out, {.image_size = Size{8, 8}});
  CHECK(verify(exported, load_encoder<float>(exported)) < 1e-6);
}

}  // namespace tessera::io::test
