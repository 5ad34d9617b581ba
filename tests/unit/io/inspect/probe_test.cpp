#include "tessera/io/inspect/probe.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("the probe is the same on every machine") {
  const auto input = detail::probe_input<float, 2>({2, 3});
  CHECK(detail::probe_hash(input) == detail::probe_hash(input.cast<double>()));
  CHECK(detail::probe_hash(input) == "27f823747412fdbd");
}

TEST_CASE("two changed signs do not make the same sum") {
  const auto hash = [](double a, double b) {
    detail::NumberHash sum;
    for (const double value : {1.0, a, 2.0, b, 3.0}) sum.add(value);
    return sum.text();
  };
  CHECK(hash(1, 1) == hash(1, 1));
  CHECK(hash(1, 1) != hash(-1, -1));
  CHECK(hash(1, 2) != hash(2, 1));
}

TEST_CASE("every path through a model has its projections") {
  const MaskedVisionTransformerConfig encoder{
      .image_size = {8, 8}, .patch_size = 4, .embed_dim = 8, .depth = 1, .num_heads = 2};
  constexpr std::size_t one = detail::Probe::projections;
  const detail::Probe alone{MaskedVisionTransformer<float>(encoder)};
  CHECK(alone.outputs().size() == 3 * one);  // all tokens, kept ones, pooled
  CHECK(alone.masked_outputs().size() == one);
  const detail::Probe mae{MAE<float>(
      {.encoder = encoder, .decoder_embed_dim = 8, .decoder_depth = 1, .decoder_num_heads = 2})};
  CHECK(mae.outputs().size() == 4 * one);
}

}  // namespace tessera::io::test
