#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/ops/tokens/add_positions.hpp"
#include "tessera/ops/tokens/apply_masks.hpp"
#include "tessera/ops/tokens/concat_batch.hpp"
#include "tessera/ops/tokens/concat_tokens.hpp"
#include "tessera/ops/tokens/context_and_targets.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"
#include "tessera/ops/tokens/mask_tokens.hpp"
#include "tessera/ops/tokens/mean_tokens.hpp"
#include "tessera/ops/tokens/patchify.hpp"
#include "tessera/ops/tokens/place_prefix.hpp"
#include "tessera/ops/tokens/repeat_interleave_batch.hpp"
#include "tessera/ops/tokens/resample_positions.hpp"
#include "tessera/ops/tokens/set_at_index.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

TESSERA_EXTERN template Var<float, 3> add_positions(const Var<float, 3>&, const Var<float, 3>&,
                                                    const std::optional<TokenIndex>&, Index);
TESSERA_EXTERN template Var<float, 3> apply_masks(const Var<float, 3>&,
                                                  std::span<const TokenIndex>);
TESSERA_EXTERN template Var<float, 3> concat_batch(std::span<const Var<float, 3>>);
TESSERA_EXTERN template Var<float, 3> concat_tokens(const Var<float, 3>&, const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 3> context_and_targets(const Var<float, 3>&, const TokenIndex&,
                                                          const TokenIndex&, const Var<float, 3>&,
                                                          const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 3> get_at_index(const Var<float, 3>&, const TokenIndex&);
TESSERA_EXTERN template Var<float, 3> mask_bool(const Var<float, 3>&, const TokenMask&,
                                                const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 3> mask_at_index(const Var<float, 3>&, const TokenIndex&,
                                                    const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 2> mean_tokens(const Var<float, 3>&, Index);
TESSERA_EXTERN template Var<float, 3> patchify(const Var<float, 4>&, Index);
TESSERA_EXTERN template Var<float, 3> patchify_at_index(const Var<float, 4>&, Index,
                                                        const TokenIndex&);
TESSERA_EXTERN template Var<float, 3> unfold_patches(const Var<float, 4>&, Index);
TESSERA_EXTERN template Var<float, 3> unfold_patches_at_index(const Var<float, 4>&, Index,
                                                              const TokenIndex&, Index);
TESSERA_EXTERN template Var<float, 4> unpatchify(const Var<float, 3>&, Index, Index, Index);
TESSERA_EXTERN template Var<float, 3> place_prefix(const Var<float, 3>&, const Var<float, 3>&,
                                                   const TokenIndex&);
TESSERA_EXTERN template Var<float, 3> repeat_interleave_batch(const Var<float, 3>&, Index, Index);
TESSERA_EXTERN template Var<float, 3> resample_positions(const Var<float, 3>&, Index, const Size&,
                                                         const Size&, kernels::Bicubic);
TESSERA_EXTERN template Var<float, 2> select_token(const Var<float, 3>&, Index);
TESSERA_EXTERN template Var<float, 3> set_at_index(const Var<float, 3>&, const TokenIndex&,
                                                   const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 3> slice_tokens(const Var<float, 3>&, Index, Index);

TESSERA_EXTERN template Var<double, 3> add_positions(const Var<double, 3>&, const Var<double, 3>&,
                                                     const std::optional<TokenIndex>&, Index);
TESSERA_EXTERN template Var<double, 3> apply_masks(const Var<double, 3>&,
                                                   std::span<const TokenIndex>);
TESSERA_EXTERN template Var<double, 3> concat_batch(std::span<const Var<double, 3>>);
TESSERA_EXTERN template Var<double, 3> concat_tokens(const Var<double, 3>&, const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 3> context_and_targets(const Var<double, 3>&, const TokenIndex&,
                                                           const TokenIndex&, const Var<double, 3>&,
                                                           const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 3> get_at_index(const Var<double, 3>&, const TokenIndex&);
TESSERA_EXTERN template Var<double, 3> mask_bool(const Var<double, 3>&, const TokenMask&,
                                                 const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 3> mask_at_index(const Var<double, 3>&, const TokenIndex&,
                                                     const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 2> mean_tokens(const Var<double, 3>&, Index);
TESSERA_EXTERN template Var<double, 3> patchify(const Var<double, 4>&, Index);
TESSERA_EXTERN template Var<double, 3> patchify_at_index(const Var<double, 4>&, Index,
                                                         const TokenIndex&);
TESSERA_EXTERN template Var<double, 3> unfold_patches(const Var<double, 4>&, Index);
TESSERA_EXTERN template Var<double, 3> unfold_patches_at_index(const Var<double, 4>&, Index,
                                                               const TokenIndex&, Index);
TESSERA_EXTERN template Var<double, 4> unpatchify(const Var<double, 3>&, Index, Index, Index);
TESSERA_EXTERN template Var<double, 3> place_prefix(const Var<double, 3>&, const Var<double, 3>&,
                                                    const TokenIndex&);
TESSERA_EXTERN template Var<double, 3> repeat_interleave_batch(const Var<double, 3>&, Index, Index);
TESSERA_EXTERN template Var<double, 3> resample_positions(const Var<double, 3>&, Index, const Size&,
                                                          const Size&, kernels::Bicubic);
TESSERA_EXTERN template Var<double, 2> select_token(const Var<double, 3>&, Index);
TESSERA_EXTERN template Var<double, 3> set_at_index(const Var<double, 3>&, const TokenIndex&,
                                                    const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 3> slice_tokens(const Var<double, 3>&, Index, Index);

}  // namespace tessera
