#pragma once

#include <span>

#include "tessera/autograd/record.hpp"

namespace tessera {

/// parts, each [B_i, L, D] -> [sum of B_i, L, D], one after the other.
/// Throws std::invalid_argument if there is no part or if their tokens differ in number or width.
template <std::floating_point Scalar>
Var<Scalar, 3> concat_batch(std::span<const Var<Scalar, 3>> parts) {
  if (parts.empty()) refuse("concat_batch", "parts is empty");
  if (parts.size() == 1) return parts[0];
  Index images = 0;
  for (const Var<Scalar, 3>& part : parts) {
    if (part.dim(1) != parts[0].dim(1) || part.dim(2) != parts[0].dim(2)) {
      refuse("concat_batch", "parts of shapes ", parts[0].shape(), " and ", part.shape(),
             " cannot be stacked");
    }
    images += part.dim(0);
  }
  auto out = Tensor<Scalar, 3>::empty({images, parts[0].dim(1), parts[0].dim(2)});
  CachedVector<GradientSink<Scalar, 3>> sinks;
  Scalar* end = out.data();
  for (const Var<Scalar, 3>& part : parts) {
    end = std::copy(part.value().begin(), part.value().end(), end);
    sinks.push_back(part.gradient());
  }
  return record(
      "concat_batch", std::move(out),
      [sinks = std::move(sinks)](const Tensor<Scalar, 3>& dout) {
        const Scalar* begin = dout.data();
        for (const GradientSink<Scalar, 3>& sink : sinks) {
          const auto count = static_cast<std::size_t>(element_count(sink.shape()));
          if (sink.wanted()) sink.add(Tensor<Scalar, 3>(sink.shape(), {begin, count}));
          begin += count;
        }
      },
      parts);
}

}  // namespace tessera
