#pragma once

// The instances of this room that tessera::compiled holds, for float and double, one a line. A
// program that uses the library includes this file as declarations, which keep its compiler from
// making the same code again; one file of src/ includes it as definitions. TESSERA_EXTERN, which
// core/inline.hpp sets, says which.

#include "tessera/core/inline.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/attention.hpp"
#include "tessera/ops/dropout.hpp"
#include "tessera/ops/gelu.hpp"
#include "tessera/ops/layer_norm.hpp"
#include "tessera/ops/linear.hpp"
#include "tessera/ops/losses.hpp"
#include "tessera/ops/normalize_mean_var.hpp"
#include "tessera/ops/packed_linear.hpp"
#include "tessera/ops/packed_mlp.hpp"
#include "tessera/ops/scale.hpp"
#include "tessera/ops/softmax.hpp"
#include "tessera/ops/swiglu.hpp"

namespace tessera {

TESSERA_EXTERN template Var<float, 2> add(const Var<float, 2>&, const Var<float, 2>&);
TESSERA_EXTERN template Var<float, 3> add(const Var<float, 3>&, const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 3> attention(const Var<float, 3>&, Index);
TESSERA_EXTERN template Var<float, 3> attention(const Var<float, 3>&, const Var<float, 3>&, Index);
TESSERA_EXTERN template Var<float, 3> drop_path(const Var<float, 3>&, double);
TESSERA_EXTERN template Var<float, 3> dropout(const Var<float, 3>&, double);
TESSERA_EXTERN template Var<float, 2> gelu(const Var<float, 2>&, GeluApproximation);
TESSERA_EXTERN template Var<float, 3> gelu(const Var<float, 3>&, GeluApproximation);
TESSERA_EXTERN template Var<float, 2> layer_norm(const Var<float, 2>&, const OptionalVar<float, 1>&,
                                                 const OptionalVar<float, 1>&, float);
TESSERA_EXTERN template Var<float, 3> layer_norm(const Var<float, 3>&, const OptionalVar<float, 1>&,
                                                 const OptionalVar<float, 1>&, float);
TESSERA_EXTERN template Var<float, 2> linear(const Var<float, 2>&, const Var<float, 2>&,
                                             const OptionalVar<float, 1>&);
TESSERA_EXTERN template Var<float, 3> linear(const Var<float, 3>&, const Var<float, 2>&,
                                             const OptionalVar<float, 1>&);
TESSERA_EXTERN template Var<float, 3> linear(const Var<float, 3>&, const Var<float, 4>&,
                                             const OptionalVar<float, 1>&);
TESSERA_EXTERN template Var<float, 2> linear_gelu(const Var<float, 2>&, const Var<float, 2>&,
                                                  const OptionalVar<float, 1>&);
TESSERA_EXTERN template Var<float, 3> linear_gelu(const Var<float, 3>&, const Var<float, 2>&,
                                                  const OptionalVar<float, 1>&);
TESSERA_EXTERN template Var<float, 2> linear_residual(const Var<float, 2>&, const Var<float, 2>&,
                                                      const OptionalVar<float, 1>&,
                                                      const Var<float, 2>&);
TESSERA_EXTERN template Var<float, 3> linear_residual(const Var<float, 3>&, const Var<float, 2>&,
                                                      const OptionalVar<float, 1>&,
                                                      const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 2> linear_outputs(const Var<float, 2>&, const Var<float, 2>&,
                                                     const OptionalVar<float, 1>&, Index, Index);
TESSERA_EXTERN template Var<float, 3> linear_outputs(const Var<float, 3>&, const Var<float, 2>&,
                                                     const OptionalVar<float, 1>&, Index, Index);
TESSERA_EXTERN template Var<float, 0> mse_loss(const Var<float, 2>&, const Var<float, 2>&);
TESSERA_EXTERN template Var<float, 0> mse_loss(const Var<float, 3>&, const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 0> smooth_l1_loss(const Var<float, 2>&, const Var<float, 2>&,
                                                     float);
TESSERA_EXTERN template Var<float, 0> smooth_l1_loss(const Var<float, 3>&, const Var<float, 3>&,
                                                     float);
TESSERA_EXTERN template Var<float, 3> normalize_mean_var(const Var<float, 3>&, float);
TESSERA_EXTERN template Var<float, 2> packed_linear(const Var<float, 2>&,
                                                    const kernels::PackedMatrix<float>&,
                                                    const kernels::Epilogue<float>&, Index, Index);
TESSERA_EXTERN template Var<float, 3> packed_linear(const Var<float, 3>&,
                                                    const kernels::PackedMatrix<float>&,
                                                    const kernels::Epilogue<float>&, Index, Index);
TESSERA_EXTERN template Var<float, 2> packed_mlp(const Var<float, 2>&, const PackedLayer<float>&,
                                                 const PackedLayer<float>&, const Var<float, 2>*,
                                                 GeluApproximation);
TESSERA_EXTERN template Var<float, 3> packed_mlp(const Var<float, 3>&, const PackedLayer<float>&,
                                                 const PackedLayer<float>&, const Var<float, 3>*,
                                                 GeluApproximation);
TESSERA_EXTERN template Var<float, 2> scale(const Var<float, 2>&, const Var<float, 1>&);
TESSERA_EXTERN template Var<float, 3> scale(const Var<float, 3>&, const Var<float, 1>&);
TESSERA_EXTERN template Var<float, 2> softmax(const Var<float, 2>&);
TESSERA_EXTERN template Var<float, 3> softmax(const Var<float, 3>&);
TESSERA_EXTERN template Var<float, 2> swiglu(const Var<float, 2>&);
TESSERA_EXTERN template Var<float, 3> swiglu(const Var<float, 3>&);

TESSERA_EXTERN template Var<double, 2> add(const Var<double, 2>&, const Var<double, 2>&);
TESSERA_EXTERN template Var<double, 3> add(const Var<double, 3>&, const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 3> attention(const Var<double, 3>&, Index);
TESSERA_EXTERN template Var<double, 3> attention(const Var<double, 3>&, const Var<double, 3>&,
                                                 Index);
TESSERA_EXTERN template Var<double, 3> drop_path(const Var<double, 3>&, double);
TESSERA_EXTERN template Var<double, 3> dropout(const Var<double, 3>&, double);
TESSERA_EXTERN template Var<double, 2> gelu(const Var<double, 2>&, GeluApproximation);
TESSERA_EXTERN template Var<double, 3> gelu(const Var<double, 3>&, GeluApproximation);
TESSERA_EXTERN template Var<double, 2> layer_norm(const Var<double, 2>&,
                                                  const OptionalVar<double, 1>&,
                                                  const OptionalVar<double, 1>&, double);
TESSERA_EXTERN template Var<double, 3> layer_norm(const Var<double, 3>&,
                                                  const OptionalVar<double, 1>&,
                                                  const OptionalVar<double, 1>&, double);
TESSERA_EXTERN template Var<double, 2> linear(const Var<double, 2>&, const Var<double, 2>&,
                                              const OptionalVar<double, 1>&);
TESSERA_EXTERN template Var<double, 3> linear(const Var<double, 3>&, const Var<double, 2>&,
                                              const OptionalVar<double, 1>&);
TESSERA_EXTERN template Var<double, 3> linear(const Var<double, 3>&, const Var<double, 4>&,
                                              const OptionalVar<double, 1>&);
TESSERA_EXTERN template Var<double, 2> linear_gelu(const Var<double, 2>&, const Var<double, 2>&,
                                                   const OptionalVar<double, 1>&);
TESSERA_EXTERN template Var<double, 3> linear_gelu(const Var<double, 3>&, const Var<double, 2>&,
                                                   const OptionalVar<double, 1>&);
TESSERA_EXTERN template Var<double, 2> linear_residual(const Var<double, 2>&, const Var<double, 2>&,
                                                       const OptionalVar<double, 1>&,
                                                       const Var<double, 2>&);
TESSERA_EXTERN template Var<double, 3> linear_residual(const Var<double, 3>&, const Var<double, 2>&,
                                                       const OptionalVar<double, 1>&,
                                                       const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 2> linear_outputs(const Var<double, 2>&, const Var<double, 2>&,
                                                      const OptionalVar<double, 1>&, Index, Index);
TESSERA_EXTERN template Var<double, 3> linear_outputs(const Var<double, 3>&, const Var<double, 2>&,
                                                      const OptionalVar<double, 1>&, Index, Index);
TESSERA_EXTERN template Var<double, 0> mse_loss(const Var<double, 2>&, const Var<double, 2>&);
TESSERA_EXTERN template Var<double, 0> mse_loss(const Var<double, 3>&, const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 0> smooth_l1_loss(const Var<double, 2>&, const Var<double, 2>&,
                                                      double);
TESSERA_EXTERN template Var<double, 0> smooth_l1_loss(const Var<double, 3>&, const Var<double, 3>&,
                                                      double);
TESSERA_EXTERN template Var<double, 3> normalize_mean_var(const Var<double, 3>&, double);
TESSERA_EXTERN template Var<double, 2> packed_linear(const Var<double, 2>&,
                                                     const kernels::PackedMatrix<double>&,
                                                     const kernels::Epilogue<double>&, Index,
                                                     Index);
TESSERA_EXTERN template Var<double, 3> packed_linear(const Var<double, 3>&,
                                                     const kernels::PackedMatrix<double>&,
                                                     const kernels::Epilogue<double>&, Index,
                                                     Index);
TESSERA_EXTERN template Var<double, 2> packed_mlp(const Var<double, 2>&, const PackedLayer<double>&,
                                                  const PackedLayer<double>&, const Var<double, 2>*,
                                                  GeluApproximation);
TESSERA_EXTERN template Var<double, 3> packed_mlp(const Var<double, 3>&, const PackedLayer<double>&,
                                                  const PackedLayer<double>&, const Var<double, 3>*,
                                                  GeluApproximation);
TESSERA_EXTERN template Var<double, 2> scale(const Var<double, 2>&, const Var<double, 1>&);
TESSERA_EXTERN template Var<double, 3> scale(const Var<double, 3>&, const Var<double, 1>&);
TESSERA_EXTERN template Var<double, 2> softmax(const Var<double, 2>&);
TESSERA_EXTERN template Var<double, 3> softmax(const Var<double, 3>&);
TESSERA_EXTERN template Var<double, 2> swiglu(const Var<double, 2>&);
TESSERA_EXTERN template Var<double, 3> swiglu(const Var<double, 3>&);

}  // namespace tessera
