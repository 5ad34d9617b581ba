#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/io/weights/export.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io {

TESSERA_EXTERN template LoadReport detail::load_into(const Checkpoint&, LoadTarget<float>&,
                                                     const LoadOptions&);
TESSERA_EXTERN template void detail::save_parameters(
    const std::filesystem::path&, const std::vector<NamedParameter<const float>>&, TensorMetadata,
    const SaveOptions&);
TESSERA_EXTERN template ExportReport detail::export_tensors(const std::filesystem::path&,
                                                            const std::vector<NamedTensor<float>>&,
                                                            std::string_view, const ModelShape&,
                                                            const Hyperparameters&,
                                                            const SaveOptions&);
TESSERA_EXTERN template MaskedVisionTransformer<float> load_encoder(const Checkpoint&, LoadOptions);
TESSERA_EXTERN template MAE<float> load_mae(const Checkpoint&, const LoadOptions&);
TESSERA_EXTERN template IJEPA<float> load_ijepa(const Checkpoint&, const LoadOptions&);
TESSERA_EXTERN template MaskedVisionTransformerDecoder<float> load_decoder(const Checkpoint&,
                                                                           LoadOptions);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, MaskedVisionTransformer<float>&,
                                                const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&,
                                          const MaskedVisionTransformer<float>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&,
                                                    const MaskedVisionTransformer<float>&,
                                                    std::string_view, const SaveOptions&);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, MAE<float>&, const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&, const MAE<float>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&, const MAE<float>&,
                                                    std::string_view, const SaveOptions&);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, IJEPA<float>&,
                                                const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&, const IJEPA<float>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&,
                                                    const IJEPA<float>&, std::string_view,
                                                    const SaveOptions&);

TESSERA_EXTERN template LoadReport detail::load_into(const Checkpoint&, LoadTarget<double>&,
                                                     const LoadOptions&);
TESSERA_EXTERN template void detail::save_parameters(
    const std::filesystem::path&, const std::vector<NamedParameter<const double>>&, TensorMetadata,
    const SaveOptions&);
TESSERA_EXTERN template ExportReport detail::export_tensors(const std::filesystem::path&,
                                                            const std::vector<NamedTensor<double>>&,
                                                            std::string_view, const ModelShape&,
                                                            const Hyperparameters&,
                                                            const SaveOptions&);
TESSERA_EXTERN template MaskedVisionTransformer<double> load_encoder(const Checkpoint&,
                                                                     LoadOptions);
TESSERA_EXTERN template MAE<double> load_mae(const Checkpoint&, const LoadOptions&);
TESSERA_EXTERN template IJEPA<double> load_ijepa(const Checkpoint&, const LoadOptions&);
TESSERA_EXTERN template MaskedVisionTransformerDecoder<double> load_decoder(const Checkpoint&,
                                                                            LoadOptions);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, MaskedVisionTransformer<double>&,
                                                const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&,
                                          const MaskedVisionTransformer<double>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&,
                                                    const MaskedVisionTransformer<double>&,
                                                    std::string_view, const SaveOptions&);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, MAE<double>&,
                                                const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&, const MAE<double>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&,
                                                    const MAE<double>&, std::string_view,
                                                    const SaveOptions&);
TESSERA_EXTERN template LoadReport load_weights(const Checkpoint&, IJEPA<double>&,
                                                const LoadOptions&);
TESSERA_EXTERN template void save_weights(const std::filesystem::path&, const IJEPA<double>&,
                                          const SaveOptions&);
TESSERA_EXTERN template ExportReport export_weights(const std::filesystem::path&,
                                                    const IJEPA<double>&, std::string_view,
                                                    const SaveOptions&);

}  // namespace tessera::io
