#pragma once

#include "tessera/ops/drop_path.hpp"

namespace tessera {

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
