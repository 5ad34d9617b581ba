// I-JEPA against lightly's encoder and predictor and torch's layer_norm and smooth_l1_loss.

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "tessera/models/ijepa.hpp"

namespace tessera::test {
namespace {

TEMPLATE_TEST_CASE("I-JEPA: predictions, targets, loss and gradients are lightly's", "[parity]",
                   float, double) {
  for (const char* name : {"ijepa_wide", "ijepa_overlap"}) {
    const Fixture fixture(name);
    IJEPA<TestType> ijepa(ijepa_config_of(fixture));
    fixture.load(ijepa);
    const auto contexts = fixture.indices("input.masks_context", fixture.integer("contexts"));
    const auto targets = fixture.indices("input.masks_target", fixture.integer("targets"));
    Tape<TestType> tape;
    const Var<TestType, 4> images(fixture.tensor<TestType, 4>("input.images"), &tape);
    CHECK(fixture.mismatch("output.z", ijepa.forward_context(images, contexts, targets).value()) ==
          "");
    const auto h = ijepa.forward_target(images, contexts, targets);
    CHECK_FALSE(h.requires_grad());
    CHECK(fixture.mismatch("output.h", h.value()) == "");
    const auto loss = ijepa.loss(images, contexts, targets);
    CHECK(fixture.mismatch("output.loss", loss.value()) == "");
    tape.backward(loss);
    CHECK(fixture.gradient_mismatch(ijepa, tape) == "");
    CHECK(fixture.unused() == std::vector<std::string>());
  }
}

}  // namespace
}  // namespace tessera::test
