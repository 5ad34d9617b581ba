// The number of threads changes no bit, and one model serves many threads.

#include <cstring>
#include <thread>

#include "support/catch.hpp"
#include "support/models/tiny_models.hpp"
#include "tessera/core/threads/execution.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/clip.hpp"
#include "tessera/train/ema.hpp"

namespace tessera::test {
namespace {

// Large enough that products, rows, heads and weights all fall into several pieces of work.

MAEConfig several_cells_mae() {
  return {.encoder = {.image_size = {64, 64},
                      .patch_size = 4,
                      .embed_dim = 128,
                      .depth = 1,
                      .num_heads = 4,
                      .pos_embed = PositionEmbedding::learned},
          .decoder_embed_dim = 96,
          .decoder_depth = 1,
          .decoder_num_heads = 3,
          .norm_pix_loss = true};
}

IJEPAConfig several_cells_ijepa() {
  return {.encoder = {.image_size = {64, 64},
                      .patch_size = 4,
                      .embed_dim = 128,
                      .depth = 1,
                      .num_heads = 4,
                      .class_token = false,
                      .global_pool = GlobalPool::avg},
          .predictor_embed_dim = 96,
          .predictor_depth = 1,
          .predictor_num_heads = 3};
}

constexpr Index batch = 2;

/// A model, its masks and its moving average behind one interface.
template <class T>
struct MaeCaseOf {
  using Scalar = T;
  using Model = MAE<Scalar>;

  static Model model() { return random_model<MAE, Scalar>(several_cells_mae(), 3); }
  static KeepMask masks(std::uint64_t seed) {
    Generator generator(seed);
    return random_token_mask({batch, 257}, {.mask_ratio = 0.5}, generator);
  }
  static Var<Scalar, 0> loss(const Model& model, const Var<Scalar, 4>& images, std::uint64_t seed) {
    const KeepMask drawn = masks(seed);
    return model.loss(images, drawn.idx_keep, drawn.idx_mask);
  }
  static void after_step(Model&) {}
};

using MaeCase = MaeCaseOf<float>;
using MaeCaseDouble = MaeCaseOf<double>;

struct IjepaCase {
  using Scalar = float;
  using Model = IJEPA<float>;

  static Model model() { return random_model<IJEPA, float>(several_cells_ijepa(), 3); }
  static Var<float, 0> loss(const Model& model, const Var<float, 4>& images, std::uint64_t seed) {
    Generator generator(seed);
    const auto draw = [&](Index count) {
      const RandomTokenMaskOptions all{.mask_ratio = 0, .num_prefix_tokens = 0};
      const TokenIndex order = random_token_mask({batch, 256}, all, generator).idx_keep;
      return tessera::detail::split_columns(order, count).idx_keep;
    };
    const std::vector<TokenIndex> contexts{draw(140)};
    const std::vector<TokenIndex> targets{draw(60), draw(60)};
    return model.loss(images, contexts, targets);
  }
  static void after_step(Model& model) { update_ema(model.target_encoder, model.encoder, 0.99); }
};

template <class Case>
Var<typename Case::Scalar, 4> large_images(std::uint64_t seed, Tape<typename Case::Scalar>& tape) {
  return {random_tensor<4, typename Case::Scalar>({batch, 3, 64, 64}, seed), &tape};
}

template <class Scalar>
void append(std::vector<Scalar>& bits, std::span<const Scalar> values) {
  bits.insert(bits.end(), values.begin(), values.end());
}

template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

/// Loss and all gradients.
template <class Case>
std::vector<typename Case::Scalar> forward_and_backward(const typename Case::Model& model,
                                                        std::uint64_t seed) {
  using Scalar = typename Case::Scalar;
  Tape<Scalar> tape;
  const auto loss = Case::loss(model, large_images<Case>(seed, tape), seed);
  tape.backward(loss);
  std::vector<Scalar> bits{loss.value().item()};
  for (const auto& parameter : named_parameters(model)) {
    append<Scalar>(bits, tape.gradient_values(parameter.key));
  }
  return bits;
}

/// Losses and final weights of ten steps.
template <class Case>
std::vector<float> ten_steps() {
  auto model = Case::model();
  AdamW<float> optimizer({.lr = 1e-3, .weight_decay = 0.05});
  std::vector<float> bits;
  for (std::uint64_t step = 0; step < 10; ++step) {
    Tape<float> tape;
    const auto loss = Case::loss(model, large_images<Case>(step, tape), step);
    tape.backward(loss);
    clip_grad_norm(model, tape, 1.0);
    optimizer.step(model, tape);
    Case::after_step(model);
    bits.push_back(loss.value().item());
  }
  for (const auto& parameter : named_parameters(model)) append<float>(bits, parameter.values);
  return bits;
}

TEMPLATE_TEST_CASE("threads: loss and gradients have the same bits for 1, 2, 3 and 4", "[threads]",
                   MaeCase, MaeCaseDouble, IjepaCase) {
  const auto model = TestType::model();
  const auto expected = forward_and_backward<TestType>(model, 1);
  CHECK(std::isfinite(expected[0]));
  for (const Index threads : {1, 2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    CHECK(current_threads() == threads);
    CHECK(same_bits(forward_and_backward<TestType>(model, 1), expected));
  }
  CHECK_FALSE(same_bits(forward_and_backward<TestType>(model, 2), expected));
}

TEMPLATE_TEST_CASE("threads: ten training steps have the same bits for 1, 2, 3 and 4", "[slow]",
                   MaeCase, IjepaCase) {
  const auto expected = ten_steps<TestType>();
  for (const Index threads : {2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    CHECK(same_bits(ten_steps<TestType>(), expected));
  }
}

TEMPLATE_TEST_CASE(
    "threads: eight users of one model, each with its own input, threads and "
    "precision, get the bits of one thread",
    "[threads]", MaeCase, IjepaCase) {
  constexpr MatmulPrecision precisions[] = {MatmulPrecision::highest, MatmulPrecision::high,
                                            MatmulPrecision::medium};
  constexpr std::size_t users = 8;
  const auto model = TestType::model();
  const auto settings = [&](std::size_t user) {
    return ExecutionSettings{.threads = static_cast<Index>(user % 3 + 1),
                             .matmul_precision = precisions[user / 3]};
  };
  std::vector<std::vector<float>> expected(users);
  for (std::size_t user = 0; user < users; ++user) {
    const ExecutionScope scope({.threads = 1, .matmul_precision = settings(user).matmul_precision});
    expected[user] = forward_and_backward<TestType>(model, user);
  }
  std::vector<std::vector<float>> found(users);
  {
    std::vector<std::thread> running;
    for (std::size_t user = 0; user < users; ++user) {
      running.emplace_back([&, user] {
        const ExecutionScope scope(settings(user));
        found[user] = forward_and_backward<TestType>(model, user);
      });
    }
    for (std::thread& thread : running) thread.join();
  }
  for (std::size_t user = 0; user < users; ++user) {
    INFO("user " << user);
    CHECK(same_bits(found[user], expected[user]));
  }
  CHECK_FALSE(same_bits(expected[0], expected[1]));
  CHECK(current_matmul_precision() == MatmulPrecision::highest);
}

}  // namespace
}  // namespace tessera::test
