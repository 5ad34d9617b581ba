// Weights that do not fit, made to fit as the packages do.

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

TEST_CASE("DINOv2 at another size resamples as Hugging Face does, with and without registers") {
  const Fixture fixture("checkpoints_adapted");
  for (const char* name : {"hf_dinov2", "hf_dinov2_registers"}) {
    const auto encoder = load_encoder<double>(Case(name).open());
    for (const char* size : {".larger", ".smaller"}) {
      const std::string key = std::string(name) + size;
      const auto images = fixture.tensor<double, 4>(key + ".images");
      // Hugging Face resamples in float whatever its model's dtype.
      CHECK(fixture.mismatch(key + ".encode", encoder.encode(images).value(), 1e-6) == "");
      // The other kernel is told apart.
      auto other = encoder;
      other.config.resampling = encoder.config.resampling == kernels::Bicubic::plain
                                    ? kernels::Bicubic::antialias
                                    : kernels::Bicubic::plain;
      CHECK(fixture.mismatch(key + ".encode", other.encode(images).value(), 1e-3) != "");
    }
  }
}

TEST_CASE("channels are adapted as timm's adapt_input_conv does") {
  const Fixture fixture("checkpoints_adapted");
  const auto kernel = fixture.tensor<double, 4>("kernel");
  for (const Index channels : {1, 2, 4, 7}) {
    INFO(channels);
    const std::string key = "kernel." + std::to_string(channels);
    // timm computes in float.
    CHECK(fixture.mismatch(key, adapt_channels(kernel, channels), 1e-6) == "");
  }
}

}  // namespace tessera::io::test
