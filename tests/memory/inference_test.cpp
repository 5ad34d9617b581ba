// Inference asks the heap for nothing after its first call of a shape.

#include <barrier>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/models/random_model.hpp"
#include "support/random_tensor.hpp"
#include "tessera/masking/random/random_token_mask.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/nn/pack_weights.hpp"

namespace tessera::test {
namespace {

// Large enough that every loop has several cells.
MaskedVisionTransformerConfig encoder_config() {
  return {.image_size = {64, 64},
          .patch_size = 4,
          .embed_dim = 128,
          .depth = 2,
          .num_heads = 4,
          .reg_tokens = 1};
}

template <class Model>
Model made(const typename Model::Config& config, bool packed) {
  Model model(config);
  randomize(model, 3);
  if (packed) pack_weights(model);
  return model;
}

/// One call of everything that runs without a tape. Images and masks belong to the caller.
class Encode {
 public:
  explicit Encode(bool packed)
      : model_(made<MaskedVisionTransformer<float>>(encoder_config(), packed)) {}

  void operator()() const {
    const Var<float, 4> images = Var<float, 4>::borrowed(images_);
    const Var<float, 3> tokens = model_.encode(images);
    (void)model_.pool(tokens);
    (void)model_.encode(images, {.idx_keep = masks_.idx_keep});
    (void)model_.encode(images, {.idx_mask = masks_.idx_mask, .idx_keep = masks_.idx_keep});
    (void)model_.encode(Var<float, 4>::borrowed(other_size_));
  }

 private:
  MaskedVisionTransformer<float> model_;
  Tensor<float, 4> images_ = random_tensor<4, float>({2, 3, 64, 64}, 1);
  Tensor<float, 4> other_size_ = random_tensor<4, float>({1, 3, 48, 80}, 1);
  KeepMask masks_ = [] {
    Generator generator(1);
    return random_token_mask({2, 258}, {.mask_ratio = 0.5, .num_prefix_tokens = 2}, generator);
  }();
};

class ForwardMAE {
 public:
  explicit ForwardMAE(bool packed)
      : model_(made<MAE<float>>({.encoder = encoder_config(),
                                 .decoder_embed_dim = 96,
                                 .decoder_depth = 2,
                                 .decoder_num_heads = 3,
                                 .norm_pix_loss = true},
                                packed)) {}

  void operator()() const {
    const Var<float, 4> images = Var<float, 4>::borrowed(images_);
    (void)model_.forward(images, masks_.idx_keep, masks_.idx_mask);
    (void)model_.loss(images, masks_.idx_keep, masks_.idx_mask);
  }

 private:
  MAE<float> model_;
  Tensor<float, 4> images_ = random_tensor<4, float>({2, 3, 64, 64}, 1);
  KeepMask masks_ = [] {
    Generator generator(1);
    return random_token_mask({2, 258}, {.mask_ratio = 0.75, .num_prefix_tokens = 2}, generator);
  }();
};

class ForwardIJEPA {
 public:
  explicit ForwardIJEPA(bool packed) : model_(made<IJEPA<float>>(config(), packed)) {}

  void operator()() const {
    const Var<float, 4> images = Var<float, 4>::borrowed(images_);
    (void)model_.forward_context(images, contexts_, targets_);
    (void)model_.forward_target(images, contexts_, targets_);
    (void)model_.loss(images, contexts_, targets_);
  }

 private:
  static IJEPAConfig config() {
    IJEPAConfig config{.encoder = encoder_config(),
                       .predictor_embed_dim = 96,
                       .predictor_depth = 2,
                       .predictor_num_heads = 3};
    config.encoder.class_token = false;
    config.encoder.reg_tokens = 0;
    config.encoder.global_pool = GlobalPool::avg;
    return config;
  }
  static TokenIndex some(Index count, std::uint64_t seed) {
    Generator generator(seed);
    const double left_out = 1 - static_cast<double>(count) / 256;
    return random_token_mask({2, 256}, {.mask_ratio = left_out, .num_prefix_tokens = 0}, generator)
        .idx_keep;
  }

  IJEPA<float> model_;
  Tensor<float, 4> images_ = random_tensor<4, float>({2, 3, 64, 64}, 1);
  std::vector<TokenIndex> contexts_{some(140, 1), some(140, 2)};
  std::vector<TokenIndex> targets_{some(60, 3), some(60, 4), some(60, 5), some(60, 6)};
};

/// Has each thread of the scope do everything once by itself, so that none meets its share of the
/// work, and with it the memory that this takes, later for the first time.
template <class Call>
void let_each_thread(const Call& call) {
  const Index threads = current_threads();
  std::barrier everyone(threads);
  parallel_for(threads, [&](Index) {
    everyone.arrive_and_wait();  // nobody takes a second cell before each has one
    call();
  });
}

TEMPLATE_TEST_CASE("inference asks for no memory after its first call of a shape", "", Encode,
                   ForwardMAE, ForwardIJEPA) {
  for (const MatmulPrecision precision :
       {MatmulPrecision::highest, MatmulPrecision::high, MatmulPrecision::medium}) {
    for (const bool packed : {false, true}) {
      for (const Index threads : {1, 2}) {
        INFO("precision " << static_cast<int>(precision) << ", packed " << packed << ", threads "
                          << threads);
        const ExecutionScope scope({.threads = threads, .matmul_precision = precision});
        const TestType call(packed);
        release_cached_memory();
        if (threads == 1) {
          CHECK(heap_calls_of(call) > 0);
        } else {
          let_each_thread(call);
          call();  // together they take more rows of an MLP at a time
        }
        CHECK(heap_calls_of(call) == 0);
        CHECK(heap_calls_of(call) == 0);
      }
    }
  }
}

TEST_CASE("with two threads, calls that follow the first leave at most a worker's own scratch") {
  // Which thread takes which cell is chance, and each keeps the scratch of a cell for itself: a
  // worker that slept through the first call asks for its scratch later, but once.
  constexpr std::size_t scratch_of_a_thread = 24;
  const ExecutionScope scope({.threads = 2});
  const ForwardMAE call(false);
  call();
  const std::size_t later = heap_calls_of([&] {
    for (int i = 0; i < 10; ++i) call();
  });
  CHECK(later <= 2 * scratch_of_a_thread);
}

TEST_CASE("opening a scope asks for its threads, and nothing else") {
  const auto open = [](Index threads) {
    return heap_calls_of([&] { const ExecutionScope scope({.threads = threads}); });
  };
  open(3);
  CHECK(open(1) == 0);
  CHECK(open(3) <= 2 * 2 + 1);  // for each worker what std::thread and glibc need; their list
}

}  // namespace
}  // namespace tessera::test
