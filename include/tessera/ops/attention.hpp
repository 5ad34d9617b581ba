#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/attention.hpp"

namespace tessera {

namespace detail {

template <class T, class TensorType>
kernels::HeadsView<T> heads_view(TensorType& packed, Index part, Index width) {
  return {kernels::advanced<T>(packed.data(), part * width), packed.dim(1), packed.dim(2)};
}

/// The calling thread's settings but for the precision of products. Backward computes the
/// probabilities again, and they must be those that logsumexp was made of.
inline ExecutionContext context_of_precision(MatmulPrecision precision) {
  ExecutionContext context = execution_context();
  context.matmul_precision = precision;
  return context;
}

/// The operands of attention: queries in q, keys and values in kv from part `keys` on. One tensor
/// may be both.
template <std::floating_point Scalar>
struct AttentionInputs {
  const Var<Scalar, 3>& q;
  const Var<Scalar, 3>& kv;
  Index keys;
};

/// softmax(q k^T / sqrt(width / heads)) v [B, Q, width]. Arguments must fit.
template <std::floating_point Scalar>
Var<Scalar, 3> attend(const AttentionInputs<Scalar>& in, Index heads, Index width) {
  const Index keys = in.keys;
  const Index values = keys + 1;
  const kernels::AttentionSizes sizes{in.q.dim(0), heads, width / heads};
  auto out = Tensor<Scalar, 3>::empty({in.q.dim(0), in.q.dim(1), width});
  auto logsumexp = Tensor<Scalar, 3>::empty({in.q.dim(0), heads, in.q.dim(1)});
  kernels::attention_forward<Scalar>(heads_view<const Scalar>(in.q.value(), 0, width),
                                     heads_view<const Scalar>(in.kv.value(), keys, width),
                                     heads_view<const Scalar>(in.kv.value(), values, width),
                                     heads_view<Scalar>(out, 0, width), logsumexp.data(), sizes);
  const auto shared = share(std::move(out));
  return record(
      "attention", shared,
      [dq = in.q.gradient(), dkv = in.kv.gradient(), q = in.q.shared(), kv = in.kv.shared(), shared,
       logsumexp = std::move(logsumexp), sizes, width, keys, values,
       precision = current_matmul_precision()](const Tensor<Scalar, 3>& dout) {
        const ContextOverride as_forward(context_of_precision(precision));
        const bool packed = q == kv;
        auto q_result = Tensor<Scalar, 3>::empty(q->shape());
        auto kv_result = packed ? Tensor<Scalar, 3>() : Tensor<Scalar, 3>::empty(kv->shape());
        Tensor<Scalar, 3>& keys_values = packed ? q_result : kv_result;
        kernels::attention_backward<Scalar>(
            heads_view<const Scalar>(*q, 0, width), heads_view<const Scalar>(*kv, keys, width),
            heads_view<const Scalar>(*kv, values, width),
            heads_view<const Scalar>(*shared, 0, width), logsumexp.data(),
            heads_view<const Scalar>(dout, 0, width), heads_view<Scalar>(q_result, 0, width),
            heads_view<Scalar>(keys_values, keys, width),
            heads_view<Scalar>(keys_values, values, width), sizes);
        dq.add(std::move(q_result));
        if (!packed) dkv.add(std::move(kv_result));
      },
      in.q, in.kv);
}

}  // namespace detail

/// qkv [B, L, 3 D], packed [q | k | v] with the heads side by side in each -> softmax(q k^T /
/// sqrt(D / heads)) v [B, L, D]. q, k and v are read in place and no [L, L] matrix is kept.
/// Vaswani et al., 2017, 3.2.
/// Throws std::invalid_argument unless 3 * heads divides the last axis.
template <std::floating_point Scalar>
Var<Scalar, 3> attention(const Var<Scalar, 3>& qkv, Index heads) {
  if (heads <= 0) refuse("attention", "heads = ", heads, " must be positive");
  if (qkv.dim(2) <= 0 || qkv.dim(2) % (3 * heads) != 0) {
    refuse("attention", "the last axis of qkv ", qkv.shape(), " must be a multiple of 3 x ", heads,
           " heads");
  }
  return detail::attend<Scalar>({.q = qkv, .kv = qkv, .keys = 1}, heads, qkv.dim(2) / 3);
}

/// q [B, Q, D], kv [B, L, 2 D], packed [k | v] -> [B, Q, D]: attention for some of the tokens'
/// queries alone. Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar>
Var<Scalar, 3> attention(const Var<Scalar, 3>& q, const Var<Scalar, 3>& kv, Index heads) {
  if (heads <= 0) refuse("attention", "heads = ", heads, " must be positive");
  if (q.dim(2) <= 0 || q.dim(2) % heads != 0) {
    refuse("attention", "the last axis of q ", q.shape(), " must be a multiple of ", heads,
           " heads");
  }
  if (kv.dim(0) != q.dim(0) || kv.dim(2) != 2 * q.dim(2)) {
    refuse("attention", "kv ", kv.shape(), " must have the batch and twice the width of q ",
           q.shape());
  }
  if (kv.dim(1) <= 0 && q.dim(1) != 0) {
    refuse("attention", "kv ", kv.shape(), " holds no token for q ", q.shape(), " to attend to");
  }
  return detail::attend<Scalar>({.q = q, .kv = kv, .keys = 0}, heads, q.dim(2));
}

}  // namespace tessera
