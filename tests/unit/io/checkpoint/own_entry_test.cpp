#include "tessera/io/checkpoint/own_entry.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/models/random_model.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/save.hpp"
#include "tessera/nn/linear.hpp"

namespace tessera::io::test {

namespace {

const MaskedVisionTransformerConfig config{.image_size = {8, 12},
                                           .patch_size = 4,
                                           .embed_dim = 8,
                                           .depth = 1,
                                           .num_heads = 4,
                                           .mlp_ratio = 1.5,
                                           .layer_norm_eps = 1.25e-7,
                                           .global_pool = GlobalPool::avg,
                                           .activation = Activation::gelu_tanh};

/// A classifier of one's own.
struct Classifier {
  using scalar_type = float;
  MaskedVisionTransformer<float> backbone{config};
  Linear<float> head{8, 3};

  static void visit(auto& self, auto&& visitor) {
    visitor("backbone", self.backbone);
    visitor("head", self.head);
  }
};

/// A teacher and students.
struct Several {
  using scalar_type = float;
  MaskedVisionTransformer<float> teacher{config};
  std::vector<MaskedVisionTransformer<float>> students =
      std::vector<MaskedVisionTransformer<float>>(2, MaskedVisionTransformer<float>(config));

  static void visit(auto& self, auto&& visitor) {
    visitor("teacher", self.teacher);
    visitor("students", self.students);
  }
};

/// The state of a training.
struct Training {
  using scalar_type = float;
  MAE<float> model{{.encoder = config,
                    .decoder_embed_dim = 8,
                    .decoder_depth = 1,
                    .decoder_num_heads = 2,
                    .norm_pix_loss = true}};
  Linear<float> optimizer{2, 2};

  static void visit(auto& self, auto&& visitor) {
    visitor("model", self.model);
    visitor("optimizer", self.optimizer);
  }
};

template <class Model>
std::vector<float> values_of(const Model& model) {
  std::vector<float> all;
  for (const auto& parameter : named_parameters(model)) {
    all.insert(all.end(), parameter.values.begin(), parameter.values.end());
  }
  return all;
}

}  // namespace

TEST_CASE("own entry: the encoder within a saved module loads with all its settings") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  Classifier saved;
  tessera::test::randomize(saved, 1);
  save_weights(path, saved);
  const auto encoder = load_encoder<float>(path);
  CHECK(encoder.config.num_heads == 4);
  CHECK(encoder.config.image_size == Size{8, 12});
  CHECK(encoder.config.layer_norm_eps == 1.25e-7);
  CHECK(encoder.config.global_pool == GlobalPool::avg);
  CHECK(encoder.config.activation == Activation::gelu_tanh);
  CHECK(values_of(encoder) == values_of(saved.backbone));
  Classifier whole;
  CHECK(load_weights(path, whole).loaded.size() == named_parameters(saved).size());
  CHECK(values_of(whole) == values_of(saved));
  CHECK(detail::own_models(open_tensors(path)) == std::vector<std::string>{"backbone"});
}

TEST_CASE("own entry: of several models in a module one must be chosen") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  Several saved;
  tessera::test::randomize(saved, 2);
  save_weights(path, saved);
  CHECK(file_error([&] { (void)load_encoder<float>(path); }) ==
        path.string() +
            ": holds a module with several models; choose one with entry: 'students.0' "
            "'students.1' 'teacher'");
  const auto chosen = load_encoder<float>(open_checkpoint(path, {.entry = "students.1"}));
  CHECK(values_of(chosen) == values_of(saved.students[1]));
  CHECK(chosen.config.num_heads == 4);
}

TEST_CASE("own entry: a model beside its optimizer loads") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  Training saved;
  tessera::test::randomize(saved, 3);
  save_weights(path, saved);
  const auto mae = load_mae<float>(path);
  CHECK(values_of(mae) == values_of(saved.model));
  CHECK(mae.norm_pix_loss);
  CHECK(values_of(load_encoder<float>(path)) == values_of(saved.model.encoder));

  // Written by hand: names behind "model.", and no word of where the model is.
  EditedFile edited{open_tensors(path)};
  edited.metadata = {{"tessera.naming", "tessera"},      {"tessera.num_heads", "4"},
                     {"tessera.decoder_num_heads", "2"}, {"tessera.norm_pix_loss", "1"},
                     {"tessera.image_height", "8"},      {"tessera.image_width", "12"}};
  for (const char* kind : {"", "mae"}) {
    if (*kind != 0) edited.metadata["tessera.kind"] = kind;
    const auto by_hand = edited.write(folder / "hand.safetensors");
    CHECK(values_of(load_mae<float>(by_hand)) == values_of(saved.model));
  }
}

}  // namespace tessera::io::test
