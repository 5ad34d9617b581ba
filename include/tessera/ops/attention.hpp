#pragma once

#include "tessera/autograd/tape.hpp"
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

}  // namespace detail

/// qkv [B, L, 3 D], packed [q | k | v] with the heads side by side in each -> softmax(q k^T /
/// sqrt(D / heads)) v [B, L, D]. q, k and v are read in place and no [L, L] matrix is kept.
/// Vaswani et al., 2017, 3.2.
/// Throws std::invalid_argument unless 3 * heads divides the last axis.
template <std::floating_point Scalar>
Var<Scalar, 3> attention(const Var<Scalar, 3>& qkv, Index heads) {
  require(heads > 0, "attention", "heads = ", heads, " must be positive");
  require(qkv.dim(2) > 0 && qkv.dim(2) % (3 * heads) == 0, "attention", "the last axis of qkv ",
          qkv.shape(), " must be a multiple of 3 x ", heads, " heads");
  const Index width = qkv.dim(2) / 3;
  const kernels::AttentionSizes sizes{qkv.dim(0), heads, width / heads};
  auto out = Tensor<Scalar, 3>::empty({qkv.dim(0), qkv.dim(1), width});
  auto logsumexp = Tensor<Scalar, 3>::empty({qkv.dim(0), heads, qkv.dim(1)});
  using detail::heads_view;
  kernels::attention_forward<Scalar>(heads_view<const Scalar>(qkv.value(), 0, width),
                                     heads_view<const Scalar>(qkv.value(), 1, width),
                                     heads_view<const Scalar>(qkv.value(), 2, width),
                                     heads_view<Scalar>(out, 0, width), logsumexp.data(), sizes);
  const auto shared = detail::share(std::move(out));
  return record(
      "attention", shared,
      [dqkv = qkv.gradient(), in = qkv.shared(), shared, logsumexp = std::move(logsumexp), sizes,
       width, precision = current_matmul_precision()](const Tensor<Scalar, 3>& dout) {
        const detail::ExecutionContextSwap as_forward(detail::context_of_precision(precision));
        auto result = Tensor<Scalar, 3>::empty(dqkv.shape());
        kernels::attention_backward<Scalar>(
            heads_view<const Scalar>(*in, 0, width), heads_view<const Scalar>(*in, 1, width),
            heads_view<const Scalar>(*in, 2, width), heads_view<const Scalar>(*shared, 0, width),
            logsumexp.data(), heads_view<const Scalar>(dout, 0, width),
            heads_view<Scalar>(result, 0, width), heads_view<Scalar>(result, 1, width),
            heads_view<Scalar>(result, 2, width), sizes);
        dqkv.add(std::move(result));
      },
      qkv);
}

/// q [B, Q, D], kv [B, L, 2 D], packed [k | v] -> [B, Q, D]: attention for some of the tokens'
/// queries alone. Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar>
Var<Scalar, 3> attention(const Var<Scalar, 3>& q, const Var<Scalar, 3>& kv, Index heads) {
  require(heads > 0, "attention", "heads = ", heads, " must be positive");
  require(q.dim(2) > 0 && q.dim(2) % heads == 0, "attention", "the last axis of q ", q.shape(),
          " must be a multiple of ", heads, " heads");
  require(kv.dim(0) == q.dim(0) && kv.dim(2) == 2 * q.dim(2), "attention", "kv ", kv.shape(),
          " must have the batch and twice the width of q ", q.shape());
  require(kv.dim(1) > 0 || q.dim(1) == 0, "attention", "kv ", kv.shape(), " holds no token for q ",
          q.shape(), " to attend to");
  const Index width = q.dim(2);
  const kernels::AttentionSizes sizes{q.dim(0), heads, width / heads};
  auto out = Tensor<Scalar, 3>::empty(q.shape());
  auto logsumexp = Tensor<Scalar, 3>::empty({q.dim(0), heads, q.dim(1)});
  using detail::heads_view;
  kernels::attention_forward<Scalar>(heads_view<const Scalar>(q.value(), 0, width),
                                     heads_view<const Scalar>(kv.value(), 0, width),
                                     heads_view<const Scalar>(kv.value(), 1, width),
                                     heads_view<Scalar>(out, 0, width), logsumexp.data(), sizes);
  const auto shared = detail::share(std::move(out));
  return record(
      "attention", shared,
      [dq = q.gradient(), dkv = kv.gradient(), queries = q.shared(), keys_values = kv.shared(),
       shared, logsumexp = std::move(logsumexp), sizes, width,
       precision = current_matmul_precision()](const Tensor<Scalar, 3>& dout) {
        const detail::ExecutionContextSwap as_forward(detail::context_of_precision(precision));
        auto query_result = Tensor<Scalar, 3>::empty(queries->shape());
        auto key_result = Tensor<Scalar, 3>::empty(keys_values->shape());
        kernels::attention_backward<Scalar>(
            heads_view<const Scalar>(*queries, 0, width),
            heads_view<const Scalar>(*keys_values, 0, width),
            heads_view<const Scalar>(*keys_values, 1, width),
            heads_view<const Scalar>(*shared, 0, width), logsumexp.data(),
            heads_view<const Scalar>(dout, 0, width), heads_view<Scalar>(query_result, 0, width),
            heads_view<Scalar>(key_result, 0, width), heads_view<Scalar>(key_result, 1, width),
            sizes);
        dq.add(std::move(query_result));
        dkv.add(std::move(key_result));
      },
      q, kv);
}

}  // namespace tessera
