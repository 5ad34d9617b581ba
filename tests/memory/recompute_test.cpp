// What gradient checkpointing saves, in bytes of the heap.

#include "tessera/autograd/recompute.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/models/random_model.hpp"
#include "support/random_tensor.hpp"
#include "tessera/masking/random/random_token_mask.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/train/adamw.hpp"

namespace tessera::test {
namespace {

constexpr Index batch = 8;

MaskedVisionTransformerConfig encoder_config() {
  return {.image_size = {64, 64}, .patch_size = 4, .embed_dim = 64, .depth = 8, .num_heads = 4};
}

TokenIndex some(Index length, Index prefix, double left_out, std::uint64_t seed) {
  Generator generator(seed);
  return random_token_mask({batch, length}, {.mask_ratio = left_out, .num_prefix_tokens = prefix},
                           generator)
      .idx_keep;
}

struct MaeCase {
  MaeCase()
      : model({.encoder = encoder_config(),
               .decoder_embed_dim = 64,
               .decoder_depth = 6,
               .decoder_num_heads = 4}) {
    randomize(model, 1);
  }
  Var<float, 0> loss(const Var<float, 4>& images) const {
    return model.loss(images, masks.idx_keep, masks.idx_mask);
  }
  MAE<float> model;
  KeepMask masks = [] {
    Generator generator(1);
    return random_token_mask({batch, 257}, {.mask_ratio = 0.75}, generator);
  }();
};

struct IjepaCase {
  IjepaCase() : model(config()) { randomize(model, 1); }
  static IJEPAConfig config() {
    IJEPAConfig config{.encoder = encoder_config(),
                       .predictor_embed_dim = 64,
                       .predictor_depth = 6,
                       .predictor_num_heads = 4};
    config.encoder.class_token = false;
    config.encoder.global_pool = GlobalPool::avg;
    return config;
  }
  Var<float, 0> loss(const Var<float, 4>& images) const {
    return model.loss(images, contexts, targets);
  }
  IJEPA<float> model;
  std::vector<TokenIndex> contexts{some(256, 0, 0.6, 1)};
  std::vector<TokenIndex> targets{some(256, 0, 0.8, 2), some(256, 0, 0.8, 3)};
};

template <class Case>
std::size_t step_growth(const Case& work, const TapeSettings& settings) {
  const auto images = random_tensor<4, float>({batch, 3, 64, 64}, 1);
  release_cached_memory();
  const std::size_t growth = heap_growth_of([&] {
    Tape<float> tape(settings);
    const auto loss = work.loss(Var<float, 4>(images, &tape));
    tape.backward(loss);
  });
  release_cached_memory();
  return growth;
}

TEMPLATE_TEST_CASE("recomputed blocks: a step takes less than 0.45 of the memory", "", MaeCase,
                   IjepaCase) {
  const TestType work;
  const std::size_t kept = step_growth(work, {});
  const std::size_t recomputed = step_growth(work, {.recompute_blocks = true});
  INFO("kept " << kept << ", recomputed " << recomputed);
  CHECK(static_cast<double>(recomputed) < 0.45 * static_cast<double>(kept));
}

TEST_CASE("backward and step in one: the gradients are never all there") {
  // Wide layers and few tokens: gradients are most of what a step needs.
  MAE<float> model(
      {.encoder =
           {.image_size = {32, 32}, .patch_size = 8, .embed_dim = 256, .depth = 6, .num_heads = 4},
       .decoder_embed_dim = 256,
       .decoder_depth = 4,
       .decoder_num_heads = 4});
  randomize(model, 1);
  const std::size_t weights = sizeof(float) * static_cast<std::size_t>(parameter_count(model));
  const auto images = random_tensor<4, float>({1, 3, 32, 32}, 1);
  Generator generator(1);
  const KeepMask masks = random_token_mask({1, 17}, {.mask_ratio = 0.75}, generator);
  const auto growth = [&](bool in_one) {
    MAE<float> trained = model;
    AdamW<float> optimizer;
    std::size_t most = 0;
    for (int step = 0; step < 2; ++step) {  // the first makes the moments
      release_cached_memory();
      most = heap_growth_of([&] {
        Tape<float> tape;
        const auto loss =
            trained.loss(Var<float, 4>(images, &tape), masks.idx_keep, masks.idx_mask);
        if (in_one) {
          optimizer.backward_and_step(trained, tape, loss);
        } else {
          tape.backward(loss);
          optimizer.step(trained, tape);
        }
      });
    }
    release_cached_memory();
    return most;
  };
  CHECK(growth(false) > weights);
  CHECK(growth(true) < weights / 4);
}

}  // namespace
}  // namespace tessera::test
