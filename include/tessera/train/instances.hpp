#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/train/adamw.hpp"

namespace tessera {

TESSERA_EXTERN template class AdamW<float>;
TESSERA_EXTERN template void kernels::adamw_update(const kernels::AdamWFactors<float>&,
                                                   const float*, float*, float*, float*, Index);

TESSERA_EXTERN template class AdamW<double>;
TESSERA_EXTERN template void kernels::adamw_update(const kernels::AdamWFactors<double>&,
                                                   const double*, double*, double*, double*, Index);

}  // namespace tessera
