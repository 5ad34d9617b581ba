#include "tessera/io/checkpoint/model_names.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

namespace {

template <class Model>
using Names = detail::ModelNames<Model>;

}  // namespace

TEST_CASE("each model has its kind and its place among the names") {
  CHECK(Names<MaskedVisionTransformer<float>>::kind == ModelKind::encoder);
  CHECK(Names<MaskedVisionTransformer<float>>::prefix == "encoder.");
  CHECK(Names<MaskedVisionTransformerDecoder<double>>::prefix == "decoder.");
  CHECK(Names<MAE<double>>::kind == ModelKind::mae);
  CHECK(Names<IJEPA<float>>::kind == ModelKind::ijepa);
  CHECK(Names<Linear<float>>::kind == ModelKind::other);
  CHECK(Names<Linear<float>>::prefix.empty());
}

TEST_CASE("the encoder and the decoder of a model, if it has them") {
  const MAE<float> mae;
  const IJEPA<float> ijepa;
  const Linear<float> layer;
  CHECK(detail::encoder_of(mae) == &mae.encoder);
  CHECK(detail::encoder_of(mae.encoder) == &mae.encoder);
  CHECK(detail::encoder_of(ijepa) == &ijepa.encoder);
  CHECK(detail::encoder_of(mae.decoder) == nullptr);
  CHECK(detail::encoder_of(layer) == nullptr);
  CHECK(detail::decoder_of(mae) == &mae.decoder);
  CHECK(detail::decoder_of(ijepa) == &ijepa.predictor);
  CHECK(detail::decoder_of(mae.encoder) == nullptr);
  CHECK(detail::decoder_of(layer) == nullptr);
}

}  // namespace tessera::io::test
