#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/core/random/distributions.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

namespace detail {

/// 1 / (1 - rate) with probability 1 - rate, else 0, for each of `count` places. Checks rate and
/// that the tape has a generator.
template <std::floating_point Scalar>
Tensor<Scalar, 1> draw_keep_factors(std::string_view op, const Tape<Scalar>& tape, double rate,
                                    Index count) {
  if (tape.generator() == nullptr) {
    refuse(op, "rate = ", rate, " needs random numbers, but the tape was made without a generator");
  }
  const auto factor = static_cast<Scalar>(1.0 / (1.0 - rate));
  auto factors = Tensor<Scalar, 1>::empty({count});
  for (Scalar& value : factors) {
    value = tape.generator()->template uniform<double>() < 1.0 - rate ? factor : Scalar(0);
  }
  return factors;
}

inline void check_drop_rate(std::string_view op, double rate, std::string_view name = "rate") {
  if (!(rate >= 0 && rate < 1)) refuse(op, name, " = ", rate, " is outside [0, 1)");
}

/// x times factors(i) over the i-th of equally long pieces of x.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> multiply_pieces(std::string_view op, const Var<Scalar, Rank>& x,
                                  Tensor<Scalar, 1> factors) {
  const Index piece = factors.size() == 0 ? 0 : x.value().size() / factors.size();
  const auto multiply = [piece](Tensor<Scalar, Rank>& values, const Tensor<Scalar, 1>& by) {
    kernels::for_each_range(values.size(), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) values.data()[i] *= by(i / piece);
    });
  };
  Tensor<Scalar, Rank> y = x.value();
  multiply(y, factors);
  return record(
      op, std::move(y),
      [dx = x.gradient(), factors = std::move(factors), multiply](Tensor<Scalar, Rank> dy) {
        multiply(dy, factors);
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace detail

/// x [B, ...] -> for each image zeros with probability `rate`, else x / (1 - rate) [B, ...];
/// without a tape, or at rate 0, x itself. Huang et al., "Deep networks with stochastic depth",
/// 2016. Throws std::invalid_argument unless rate is in [0, 1), or if the tape has no generator.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> drop_path(const Var<Scalar, Rank>& x, double rate) {
  static_assert(Rank >= 1);
  detail::check_drop_rate("drop_path", rate);
  if (x.tape() == nullptr || rate <= 0) return x;
  return detail::multiply_pieces("drop_path", x,
                                 detail::draw_keep_factors("drop_path", *x.tape(), rate, x.dim(0)));
}

/// x [...] -> each element zero with probability `rate`, else x / (1 - rate) [...]; without a tape,
/// or at rate 0, x itself. Srivastava et al., 2014.
/// Throws std::invalid_argument unless rate is in [0, 1), or if the tape has no generator.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> dropout(const Var<Scalar, Rank>& x, double rate) {
  detail::check_drop_rate("dropout", rate);
  if (x.tape() == nullptr || rate <= 0) return x;
  return detail::multiply_pieces(
      "dropout", x, detail::draw_keep_factors("dropout", *x.tape(), rate, x.value().size()));
}

}  // namespace tessera
