// The decoder against lightly's, and as predictor against lightly's I-JEPA predictor.

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/add.hpp"

namespace tessera::test {
namespace {

const std::vector<std::string> nothing;
const char* const variants[] = {"none", "idx_mask", "idx_keep", "mask", "idx_mask_idx_keep"};

TEMPLATE_TEST_CASE("decoder: every selection is lightly's", "[parity]", float, double) {
  for (const char* name : {"decoder_prefix0", "decoder_prefix1", "decoder_prefix5"}) {
    const Fixture fixture(name);
    MaskedVisionTransformerDecoder<TestType> decoder(
        decoder_config(fixture, fixture.flag("decoder_qkv_bias")));
    fixture.load(decoder);
    const auto x = fixture.tensor<TestType, 3>("input.x");
    Tape<TestType> tape;  // of all variants together
    std::optional<Var<TestType, 0>> total;
    CHECK(fixture.text("variants") == "none idx_mask idx_keep mask idx_mask_idx_keep");
    for (const std::string variant : variants) {
      const TokenSelection selection = fixture.selection("input." + variant + ".");
      const auto cotangent = fixture.tensor<TestType, 3>("input." + variant + ".cotangent");
      CHECK(fixture.mismatch("output." + variant + ".preprocess",
                             decoder.preprocess(Var(x), selection).value()) == "");
      Tape<TestType> alone;
      const auto leaf = alone.variable(x);
      const auto decoded = decoder.forward(leaf, selection);
      CHECK(fixture.mismatch("output." + variant + ".forward", decoded.value()) == "");
      alone.backward(weighted_sum(decoded, cotangent));
      REQUIRE(alone.gradient(leaf) != nullptr);
      CHECK(fixture.mismatch("grad." + variant + ".x", *alone.gradient(leaf)) == "");
      const auto* of_mask_token = alone.gradient(decoder.mask_token.value);
      const std::string key = "grad." + variant + ".mask_token";
      REQUIRE(fixture.contains(key) == (of_mask_token != nullptr));
      if (of_mask_token) CHECK(fixture.mismatch(key, *of_mask_token) == "");

      const auto loss =
          weighted_sum(decoder.forward(Var<TestType, 3>(x, &tape), selection), cotangent);
      total = total ? add(*total, loss) : loss;
    }
    tape.backward(*total);
    CHECK(fixture.gradient_mismatch(decoder, tape) == "");
    CHECK(fixture.unused() == nothing);
  }
}

TEMPLATE_TEST_CASE("predictor: predict is lightly's I-JEPA predictor, row by row", "[parity]",
                   float, double) {
  for (const char* name : {"predictor_single", "predictor_overlap", "predictor_no_bias"}) {
    const Fixture fixture(name);
    Predictor<TestType> model(fixture.integer("embed_dim"),
                              decoder_config(fixture, fixture.flag("decoder_qkv_bias")));
    fixture.load(model);
    const auto contexts = fixture.indices("input.masks_context", fixture.integer("contexts"));
    const auto targets = fixture.indices("input.masks_target", fixture.integer("targets"));
    const auto x = fixture.tensor<TestType, 3>("input.x");  // context-major
    const Index batch = contexts[0].dim(0);
    const Index values = batch * x.dim(1) * x.dim(2);

    Tape<TestType> tape;
    std::vector<Var<TestType, 3>> leaves;
    std::vector<Var<TestType, 3>> embedded;
    for (std::size_t e = 0; e < contexts.size(); ++e) {
      const std::span<const TestType> part(x.data() + static_cast<Index>(e) * values,
                                           static_cast<std::size_t>(values));
      leaves.push_back(tape.variable(Tensor<TestType, 3>({batch, x.dim(1), x.dim(2)}, part)));
      embedded.push_back(model.predictor_embed(leaves.back()));
    }
    std::vector<Var<TestType, 3>> predictions;
    for (const TokenIndex& target : targets) {
      for (std::size_t e = 0; e < contexts.size(); ++e) {
        predictions.push_back(model.predictor.predict(embedded[e], contexts[e], target));
      }
    }
    const auto z = model.predictor_proj(concat_batch<TestType>(predictions));
    CHECK(fixture.mismatch("output.z", z.value()) == "");
    tape.backward(weighted_sum(z, fixture.tensor<TestType, 3>("input.cotangent")));
    CHECK(fixture.gradient_mismatch(model, tape) == "");
    auto dx = Tensor<TestType, 3>::empty(x.shape());
    TestType* end = dx.data();
    for (const auto& leaf : leaves) {
      REQUIRE(tape.gradient(leaf) != nullptr);
      end = std::copy(tape.gradient(leaf)->begin(), tape.gradient(leaf)->end(), end);
    }
    CHECK(fixture.mismatch("grad.x", dx) == "");
    CHECK(fixture.unused() == nothing);
  }
}

TEST_CASE("fixture: comparisons notice what differs, and loading what does not belong") {
  const Fixture fixture("decoder_prefix0");
  const auto config = decoder_config(fixture, fixture.flag("decoder_qkv_bias"));
  MaskedVisionTransformerDecoder<double> decoder(config);
  fixture.load(decoder);
  CHECK(fixture.parameter_mismatch(decoder, "param.", "weights as loaded") == "");
  double& weight = decoder.blocks[0].mlp.fc1.weight.value(3, 2);
  const double former = weight;
  weight += 1e-6;
  CHECK_THAT(fixture.parameter_mismatch(decoder, "param.", "weights as loaded"),
             Catch::Matchers::ContainsSubstring("param.blocks.0.mlp.fc1.weight differs by"));
  weight = std::nan("");
  CHECK_THAT(fixture.parameter_mismatch(decoder, "param.", "weights as loaded"),
             Catch::Matchers::ContainsSubstring("differs by inf"));
  weight = former;
  CHECK(fixture.mismatch("input.x", Tensor<double, 3>({2, 10, 7})) ==
        "decoder_prefix0: input.x is [2, 10, 7], not [2, 10, 8]");

  Tape<double> tape;
  const auto x = fixture.tensor<double, 3>("input.x");
  tape.backward(weighted_sum(decoder.forward(Var<double, 3>(x, &tape)), x));
  CHECK(fixture.gradient_mismatch(decoder, tape) ==
        "decoder_prefix0: grad.mask_token did not arrive");
  CHECK_FALSE(fixture.unused().empty());

  auto larger = config;
  larger.depth = 2;
  MaskedVisionTransformerDecoder<double> deep(larger);
  CHECK_THROWS_WITH(fixture.load(deep),
                    "decoder_prefix0: param.blocks.1.norm1.weight is missing or unexpected");
  auto smaller = config;
  smaller.depth = 0;
  MaskedVisionTransformerDecoder<double> flat(smaller);
  CHECK_THROWS_WITH(
      fixture.load(flat),
      "decoder_prefix0: param.blocks.0.attn.proj.bias belongs to no parameter of the model");
}

}  // namespace
}  // namespace tessera::test
