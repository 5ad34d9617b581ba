#include "tessera/io/self_test.hpp"

#include "io/checkpoint_support.hpp"
#include "support/catch.hpp"
#include "support/random_model.hpp"

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

TEST_CASE("the self-test is of the weights as they are stored") {
  const MaskedVisionTransformer<float> encoder(small(true));
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    CHECK(verified(random(encoder), encoder, dtype) < 1e-6);
  }
}

TEST_CASE("any changed weight, another size and a damaged text fail the self-test") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const auto saved = random(MaskedVisionTransformer<float>(small(true)));
  save_weights(path, saved, {.metadata = self_test(saved)});
  const Checkpoint file = open_checkpoint(path);
  for (const char* name : {"cls_token", "pos_embed", "blocks.0.attn.proj.bias", "norm.weight"}) {
    auto changed = saved;
    for (const auto& parameter : named_parameters(changed)) {
      if (parameter.name == name) parameter.values[9 % parameter.values.size()] += 1;
    }
    INFO(name);
    CHECK(file_error([&] {
            verify(file, changed);
          }).starts_with(path.string() + ": self-test: the outputs differ by "));
  }
  auto broken = saved;
  broken.norm->bias.value(0) = std::nanf("");
  CHECK(file_error([&] { verify(file, broken); }) ==
        path.string() + ": self-test: the outputs differ by inf of the largest value");

  MaskedVisionTransformerConfig wide = small(true);
  wide.image_size = {8, 12};
  CHECK(file_error([&] { verify(file, MaskedVisionTransformer<float>(wide)); }) ==
        path.string() + ": self-test: is of another kind of model, or of another image size");

  save_weights(path, saved);
  CHECK(file_error([&] { verify(open_checkpoint(path), saved); }) ==
        path.string() + ": has no self-test");
  for (const auto& [text, reason] : {std::pair("x", "its output cannot be read"),
                                     std::pair("1 2", "its output cannot be read")}) {
    SafetensorsMetadata metadata = self_test(saved);
    metadata["tessera.self_test.output"] = text;
    save_weights(path, saved, {.metadata = metadata});
    CHECK(file_error([&] { verify(open_checkpoint(path), saved); }) ==
          path.string() + ": self-test: " + reason);
  }
  SafetensorsMetadata metadata = self_test(saved);
  metadata["tessera.self_test.output"] += " 3";
  save_weights(path, saved, {.metadata = metadata});
  CHECK(file_error([&] { verify(open_checkpoint(path), saved); }) ==
        path.string() + ": self-test: its output has too many values");
}

TEST_CASE("the probe is the same on every machine") {
  const auto input = detail::probe_input<float, 2>({2, 3});
  CHECK(detail::probe_hash(input) == detail::probe_hash(input.cast<double>()));
  CHECK(detail::probe_hash(input) == "4c9e9e2ef6feb85d");
  CHECK(detail::sampled({1, 2, 3}) == std::vector<double>{1, 2, 3});
  CHECK(detail::sampled({}).empty());
  std::vector<double> many(100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i);
  CHECK(detail::sampled(many).front() == 0);
  CHECK(detail::sampled(many).back() == 99);
  CHECK(detail::sampled(many).size() == 32);
}

}  // namespace tessera::io::test
