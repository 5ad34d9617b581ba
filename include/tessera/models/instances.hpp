#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/initialize.hpp"
#include "tessera/models/mae.hpp"
#include "tessera/models/masked_vision_transformer.hpp"
#include "tessera/models/masked_vision_transformer_decoder.hpp"
#include "tessera/nn/pack_weights.hpp"

namespace tessera {

TESSERA_EXTERN template struct MaskedVisionTransformer<float>;
TESSERA_EXTERN template struct MaskedVisionTransformerDecoder<float>;
TESSERA_EXTERN template struct MAE<float>;
TESSERA_EXTERN template struct IJEPA<float>;
TESSERA_EXTERN template void initialize(MaskedVisionTransformer<float>&, InitRecipe, Generator&);
TESSERA_EXTERN template void initialize(MaskedVisionTransformerDecoder<float>&, InitRecipe,
                                        Generator&);
TESSERA_EXTERN template void initialize(MAE<float>&, InitRecipe, Generator&);
TESSERA_EXTERN template void initialize(IJEPA<float>&, InitRecipe, Generator&);
TESSERA_EXTERN template std::vector<NamedParameter<float>> named_parameters(
    MaskedVisionTransformer<float>&);
TESSERA_EXTERN template std::vector<NamedParameter<const float>> named_parameters(
    const MaskedVisionTransformer<float>&);
TESSERA_EXTERN template void pack_weights(MaskedVisionTransformer<float>&);
TESSERA_EXTERN template void set_trainable(MaskedVisionTransformer<float>&, bool);
TESSERA_EXTERN template std::vector<NamedParameter<float>> named_parameters(MAE<float>&);
TESSERA_EXTERN template std::vector<NamedParameter<const float>> named_parameters(
    const MAE<float>&);
TESSERA_EXTERN template void pack_weights(MAE<float>&);
TESSERA_EXTERN template void set_trainable(MAE<float>&, bool);
TESSERA_EXTERN template std::vector<NamedParameter<float>> named_parameters(IJEPA<float>&);
TESSERA_EXTERN template std::vector<NamedParameter<const float>> named_parameters(
    const IJEPA<float>&);
TESSERA_EXTERN template void set_trainable(IJEPA<float>&, bool);

TESSERA_EXTERN template struct MaskedVisionTransformer<double>;
TESSERA_EXTERN template struct MaskedVisionTransformerDecoder<double>;
TESSERA_EXTERN template struct MAE<double>;
TESSERA_EXTERN template struct IJEPA<double>;
TESSERA_EXTERN template void initialize(MaskedVisionTransformer<double>&, InitRecipe, Generator&);
TESSERA_EXTERN template void initialize(MaskedVisionTransformerDecoder<double>&, InitRecipe,
                                        Generator&);
TESSERA_EXTERN template void initialize(MAE<double>&, InitRecipe, Generator&);
TESSERA_EXTERN template void initialize(IJEPA<double>&, InitRecipe, Generator&);
TESSERA_EXTERN template std::vector<NamedParameter<double>> named_parameters(
    MaskedVisionTransformer<double>&);
TESSERA_EXTERN template std::vector<NamedParameter<const double>> named_parameters(
    const MaskedVisionTransformer<double>&);
TESSERA_EXTERN template void pack_weights(MaskedVisionTransformer<double>&);
TESSERA_EXTERN template void set_trainable(MaskedVisionTransformer<double>&, bool);
TESSERA_EXTERN template std::vector<NamedParameter<double>> named_parameters(MAE<double>&);
TESSERA_EXTERN template std::vector<NamedParameter<const double>> named_parameters(
    const MAE<double>&);
TESSERA_EXTERN template void pack_weights(MAE<double>&);
TESSERA_EXTERN template void set_trainable(MAE<double>&, bool);
TESSERA_EXTERN template std::vector<NamedParameter<double>> named_parameters(IJEPA<double>&);
TESSERA_EXTERN template std::vector<NamedParameter<const double>> named_parameters(
    const IJEPA<double>&);
TESSERA_EXTERN template void set_trainable(IJEPA<double>&, bool);

}  // namespace tessera
