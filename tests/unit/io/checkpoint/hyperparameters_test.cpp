#include "tessera/io/checkpoint/hyperparameters.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("what no tensor shows goes into metadata and comes back") {
  const MAE<float> mae({.encoder = {.image_size = {8, 12},
                                    .patch_size = 4,
                                    .embed_dim = 8,
                                    .depth = 1,
                                    .num_heads = 4,
                                    .layer_norm_eps = 1.25e-7,
                                    .resampling = kernels::Bicubic::plain,
                                    .global_pool = GlobalPool::avg},
                        .decoder_embed_dim = 4,
                        .decoder_depth = 1,
                        .decoder_num_heads = 2,
                        .norm_pix_loss = true});
  const Hyperparameters facts =
      detail::hyperparameters_in(detail::to_metadata(detail::hyperparameters_of(mae)));
  CHECK(facts.num_heads == 4);
  CHECK(facts.decoder_num_heads == 2);
  CHECK(facts.image_size == Size{8, 12});
  CHECK(facts.decoder_grid == Size{2, 3});
  CHECK(facts.layer_norm_eps == 1.25e-7);
  CHECK(facts.norm_pix_loss == true);
  CHECK(facts.global_pool == GlobalPool::avg);
  CHECK(facts.resampling == kernels::Bicubic::plain);
}

TEST_CASE("metadata that cannot be read counts as none") {
  const Hyperparameters facts = detail::hyperparameters_in({{"tessera.num_heads", "3.5"},
                                                            {"tessera.decoder_num_heads", "-1"},
                                                            {"tessera.image_height", "8"},
                                                            {"tessera.layer_norm_eps", "small"},
                                                            {"tessera.norm_pix_loss", "perhaps"},
                                                            {"tessera.global_pool", "max"}});
  CHECK(facts.num_heads == std::nullopt);
  CHECK(facts.decoder_num_heads == std::nullopt);
  CHECK(facts.image_size == std::nullopt);
  CHECK(facts.layer_norm_eps == std::nullopt);
  CHECK(facts.norm_pix_loss == std::nullopt);
  CHECK(facts.global_pool == std::nullopt);
}

}  // namespace tessera::io::test
