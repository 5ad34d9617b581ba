#include "tessera/io/checkpoint/expected_tensors.hpp"

#include "support/catch.hpp"
#include "support/io/published_checkpoints.hpp"

namespace tessera::io::test {

namespace {

/// Names and shapes of what a model is made of, as a file has them.
template <class Model>
detail::ExpectedTensors shapes_of(const Model& model) {
  detail::ExpectedTensors shapes;
  for (const auto& parameter : named_parameters(model)) {
    shapes[concat(detail::ModelNames<Model>::prefix, parameter.name)] = {parameter.shape.begin(),
                                                                         parameter.shape.end()};
  }
  return shapes;
}

}  // namespace

TEST_CASE("what is expected of a file is what its model is made of") {
  for (const std::string& name : case_names()) {
    const Case published(name);
    const Checkpoint file = published.open();
    const CheckpointFacts facts = read_facts(file);
    INFO(name);
    if (facts.kind == ModelKind::predictor) continue;  // it has no model of its own
    detail::ExpectedTensors expected = detail::expected_tensors(facts);
    // DINOv2 has a row for its class token that a model with registers has not.
    if (facts.position_prefix > 0 && facts.no_embed_class) {
      --expected["encoder.pos_embed"][1];
    }
    CHECK(expected == (facts.kind == ModelKind::mae       ? shapes_of(load_mae<float>(file))
                       : facts.kind == ModelKind::ijepa   ? shapes_of(load_ijepa<float>(file))
                       : facts.kind == ModelKind::decoder ? shapes_of(load_decoder<float>(file))
                                                          : shapes_of(load_encoder<float>(file))));
    detail::check_complete(file, facts);
  }
}

}  // namespace tessera::io::test
