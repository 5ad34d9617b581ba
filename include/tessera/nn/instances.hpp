#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/nn/init.hpp"
#include "tessera/nn/module.hpp"
#include "tessera/nn/position_embedding.hpp"
#include "tessera/nn/transformer_block.hpp"

namespace tessera {

TESSERA_EXTERN template struct TransformerBlock<float>;
TESSERA_EXTERN template std::vector<TransformerBlock<float>> detail::make_blocks(
    std::string_view, Index, double, TransformerBlockConfig);
TESSERA_EXTERN template void detail::init_linears(const std::vector<NamedParameter<float>>&,
                                                  LinearInit, Generator&);
TESSERA_EXTERN template void init_patch_embed(PatchEmbed<float>&, Generator&);
TESSERA_EXTERN template void detail::check_each_once(const std::vector<NamedParameter<float>>&);
TESSERA_EXTERN template Tensor<float, 3> sincos_position_embedding(Index, const Size&, Index);

TESSERA_EXTERN template struct TransformerBlock<double>;
TESSERA_EXTERN template std::vector<TransformerBlock<double>> detail::make_blocks(
    std::string_view, Index, double, TransformerBlockConfig);
TESSERA_EXTERN template void detail::init_linears(const std::vector<NamedParameter<double>>&,
                                                  LinearInit, Generator&);
TESSERA_EXTERN template void init_patch_embed(PatchEmbed<double>&, Generator&);
TESSERA_EXTERN template void detail::check_each_once(const std::vector<NamedParameter<double>>&);
TESSERA_EXTERN template Tensor<double, 3> sincos_position_embedding(Index, const Size&, Index);

}  // namespace tessera
