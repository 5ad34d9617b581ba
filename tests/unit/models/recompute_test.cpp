// Blocks that are computed again in backward: same losses, same gradients, bit for bit.

#include "tessera/autograd/recompute.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/models/tiny_models.hpp"
#include "support/throws.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/ema.hpp"

namespace tessera::test {
namespace {

/// Drop path in every block, dropout as well: a block that drew other numbers the second time would
/// give other gradients.
template <class Blocks>
void drop_in(Blocks& blocks) {
  for (auto& block : blocks) {
    block.drop_path_rate = 0.3;
    block.attn.drop = 0.1;
    block.mlp.drop = 0.2;
  }
}

/// A model and its loss behind one interface; `dropping` or with nothing dropped.
template <class T>
struct MaeOf {
  using Scalar = T;
  using Model = MAE<Scalar>;

  static Model model(bool dropping) {
    MAEConfig config = tiny_mae();
    config.encoder.init_values = 0.5;
    config.norm_pix_loss = true;
    auto mae = random_model<MAE, Scalar>(config);
    if (dropping) drop_in(mae.encoder.blocks);
    if (dropping) drop_in(mae.decoder.blocks);
    return mae;
  }
  static Var<Scalar, 0> loss(const Model& mae, const Var<Scalar, 4>& images) {
    const KeepMask masks = tiny_masks(images.dim(0));
    return mae.loss(images, masks.idx_keep, masks.idx_mask);
  }
  static void freeze_front(Model& mae) { set_trainable(mae.encoder, false); }
  static void after_step(Model&) {}
};

/// Several contexts and targets: the predictor's weights serve six times in one step.
template <class T>
struct IjepaOf {
  using Scalar = T;
  using Model = IJEPA<Scalar>;

  static Model model(bool dropping) {
    auto ijepa = random_model<IJEPA, Scalar>(tiny_ijepa());
    if (dropping) drop_in(ijepa.encoder.blocks);
    if (dropping) drop_in(ijepa.predictor.blocks);
    set_trainable(ijepa.target_encoder, false);
    return ijepa;
  }
  static Var<Scalar, 0> loss(const Model& ijepa, const Var<Scalar, 4>& images) {
    const std::vector<TokenIndex> contexts{some(images.dim(0), 5, 1), some(images.dim(0), 5, 2)};
    const std::vector<TokenIndex> targets{some(images.dim(0), 3, 3), some(images.dim(0), 3, 4),
                                          some(images.dim(0), 3, 5)};
    return ijepa.loss(images, contexts, targets);
  }
  static TokenIndex some(Index batch, Index count, std::uint64_t seed) {
    Generator generator(seed);
    const RandomTokenMaskOptions all{.mask_ratio = 0, .num_prefix_tokens = 0};
    return tessera::detail::split_columns(random_token_mask({batch, 12}, all, generator).idx_keep,
                                          count)
        .idx_keep;
  }
  static void freeze_front(Model& ijepa) { set_trainable(ijepa.encoder, false); }
  static void after_step(Model& ijepa) { update_ema(ijepa.target_encoder, ijepa.encoder, 0.9); }
};

/// Loss, then all gradients by parameter, those of the images last. Empty where none arrived.
template <class Scalar>
using Results = std::vector<std::vector<Scalar>>;

template <class Case>
Results<typename Case::Scalar> results(const typename Case::Model& model, bool recompute_blocks,
                                       bool images_wanted = false) {
  using Scalar = typename Case::Scalar;
  Generator generator(9);
  Tape<Scalar> tape(generator, {.recompute_blocks = recompute_blocks});
  const Var<Scalar, 4> images = images_wanted ? tape.variable(tiny_images<Scalar>(3))
                                              : Var<Scalar, 4>(tiny_images<Scalar>(3), &tape);
  const Var<Scalar, 0> loss = Case::loss(model, images);
  tape.backward(loss);
  Results<Scalar> found{{loss.value().item()}};
  const auto append = [&](std::span<const Scalar> values) {
    found.emplace_back(values.begin(), values.end());
  };
  for (const auto& parameter : named_parameters(model)) {
    append(tape.gradient_values(parameter.key));
  }
  if (images_wanted) append(tape.gradient(images)->values());
  return found;
}

template <class Scalar>
bool same_bits(const Results<Scalar>& a, const Results<Scalar>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.size() == y.size() &&
           (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(Scalar)) == 0);
  });
}

TEMPLATE_TEST_CASE("recomputed blocks: loss and gradients have the same bits, on 1 to 4 threads",
                   "[threads]", MaeOf<float>, MaeOf<double>, IjepaOf<float>, IjepaOf<double>) {
  for (const bool dropping : {false, true}) {
    const auto model = TestType::model(dropping);
    const auto expected = results<TestType>(model, false, true);
    CHECK(std::isfinite(expected[0][0]));
    CHECK(std::count_if(expected.begin(), expected.end(),
                        [](const auto& g) { return !g.empty(); }) > 40);
    for (const Index threads : {1, 2, 3, 4}) {
      INFO("dropping " << dropping << ", threads " << threads);
      const ExecutionScope scope({.threads = threads});
      CHECK(same_bits(results<TestType>(model, true, true), expected));
      CHECK(same_bits(results<TestType>(model, true), results<TestType>(model, false)));
    }
  }
}

TEMPLATE_TEST_CASE("recomputed blocks: the same with frozen parts, and in other precisions", "",
                   MaeOf<float>, MaeOf<double>, IjepaOf<float>, IjepaOf<double>) {
  auto model = TestType::model(true);
  for (const MatmulPrecision precision : {MatmulPrecision::high, MatmulPrecision::medium}) {
    const ExecutionScope scope({.matmul_precision = precision});
    CHECK(same_bits(results<TestType>(model, true), results<TestType>(model, false)));
  }
  TestType::freeze_front(model);
  CHECK(same_bits(results<TestType>(model, true), results<TestType>(model, false)));
  CHECK(same_bits(results<TestType>(model, true, true), results<TestType>(model, false, true)));
}

TEMPLATE_TEST_CASE(
    "recomputed blocks: training steps have the same bits, backward and step in one as well", "",
    MaeOf<float>, IjepaOf<float>) {
  const auto trained = [](bool recompute_blocks, bool in_one) {
    auto model = TestType::model(true);
    AdamW<float> optimizer({.lr = 1e-2});
    Generator generator(4);
    std::vector<float> bits;
    for (std::uint64_t step = 0; step < 4; ++step) {
      Tape<float> tape(generator, {.recompute_blocks = recompute_blocks});
      const auto loss = TestType::loss(model, Var<float, 4>(tiny_images<float>(2, step), &tape));
      if (in_one) {
        optimizer.backward_and_step(model, tape, loss);
      } else {
        tape.backward(loss);
        optimizer.step(model, tape);
      }
      TestType::after_step(model);
      bits.push_back(loss.value().item());
    }
    for (const auto& parameter : named_parameters(model)) {
      bits.insert(bits.end(), parameter.values.begin(), parameter.values.end());
    }
    return bits;
  };
  const auto expected = trained(false, false);
  for (const auto& found : {trained(true, false), trained(false, true), trained(true, true)}) {
    REQUIRE(found.size() == expected.size());
    CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
  }
  CHECK(expected[3] != expected[0]);
}

TEST_CASE("recomputed blocks: precision and threads of another scope in backward do not matter") {
  // Products of backward itself have backward's precision: that stays the same here.
  const auto model = MaeOf<float>::model(true);
  const auto run = [&](bool recompute_blocks) {
    Generator generator(9);
    Tape<float> tape(generator, {.recompute_blocks = recompute_blocks});
    const auto loss = [&] {
      const ExecutionScope scope({.matmul_precision = MatmulPrecision::medium});
      return MaeOf<float>::loss(model, Var<float, 4>(tiny_images<float>(3), &tape));
    }();
    const ExecutionScope scope({.threads = 2});
    tape.backward(loss);
    Results<float> found;
    for (const auto& parameter : named_parameters(model)) {
      const auto values = tape.gradient_values(parameter.key);
      found.emplace_back(values.begin(), values.end());
    }
    return found;
  };
  CHECK(same_bits(run(true), run(false)));
}

TEST_CASE("recomputed blocks: without a generator, dropping is refused as ever") {
  const auto model = MaeOf<double>::model(true);
  Tape<double> tape({.recompute_blocks = true});
  CHECK(error_of([&] { MaeOf<double>::loss(model, Var<double, 4>(tiny_images(3), &tape)); }) ==
        "dropout: rate = 0.1 needs random numbers, but the tape was made without a generator");
}

}  // namespace
}  // namespace tessera::test
