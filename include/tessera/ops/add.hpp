#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// a [...], b [...] -> a + b [...]. Throws std::invalid_argument if the shapes differ.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> add(const Var<Scalar, Rank>& a, const Var<Scalar, Rank>& b) {
  if (a.shape() != b.shape()) {
    refuse("add", "a ", a.shape(), " and b ", b.shape(), " must have the same shape");
  }
  auto sum = Tensor<Scalar, Rank>::empty(a.shape());
  kernels::for_each_range(sum.size(), [&](Index begin, Index end) {
    kernels::add(a.value().data() + begin, b.value().data() + begin, sum.data() + begin,
                 end - begin);
  });
  return record(
      "add", std::move(sum),
      [da = a.gradient(), db = b.gradient()](Tensor<Scalar, Rank> dsum) {
        if (da.wanted() && db.wanted()) da.add(dsum);
        (db.wanted() ? db : da).add(std::move(dsum));
      },
      a, b);
}

}  // namespace tessera
