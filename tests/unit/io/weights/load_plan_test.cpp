#include "tessera/io/weights/load_plan.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/facts.hpp"

namespace tessera::io::test {

TEST_CASE("a value that is not finite is found in every float type and wherever it is") {
  const ScratchFolder folder;
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    for (const Index place : {0, 1023, 1024, 4999}) {
      Tensor<float, 1> values({5000}, 1.0F);
      const auto is_finite = [&] {
        SafetensorsWriter writer;
        writer.add("x", values, dtype);
        writer.write(folder / "x.safetensors");
        return detail::is_finite(open_tensors(folder / "x.safetensors").tensor("x"));
      };
      CHECK(is_finite());
      values(place) = std::numeric_limits<float>::quiet_NaN();
      CHECK_FALSE(is_finite());
      values(place) = std::numeric_limits<float>::infinity();
      CHECK_FALSE(is_finite());
    }
  }
}

TEST_CASE("a plan changes nothing before it is copied") {
  const Checkpoint file = Case("mae_encoder").open();
  const CheckpointFacts facts = read_facts(file);
  const LoadOptions options;
  Tensor<float, 1> bias({12}, 7.0F);
  detail::LoadPlan<float> plan(file, facts, options);
  const Shape<1> shape{12};
  plan.add({"norm.bias", shape, bias.values(), true, &bias}, "encoder.norm.bias", std::nullopt);
  plan.add({"mask_token", shape, bias.values(), true, &bias}, "encoder.mask_token", std::nullopt);
  plan.add({"gone", shape, bias.values(), true, &bias}, "encoder.gone", std::nullopt);
  plan.finish("target_encoder.");
  plan.check_values();
  CHECK(bias == Tensor<float, 1>({12}, 7.0F));
  CHECK(plan.report.loaded == std::vector<std::string>{"norm.bias"});
  CHECK(plan.report.kept == std::vector<std::string>{"mask_token"});
  CHECK(plan.report.missing == std::vector<std::string>{"gone"});
  CHECK(plan.report.skipped.size() == file.tensors.size() - 1);
  plan.copy();
  CHECK(bias == file.source.read<float, 1>("norm.bias"));
}

}  // namespace tessera::io::test
