#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <numbers>
#include <span>
#include <utility>

#include "tessera/core/random/erfinv.hpp"
#include "tessera/core/random/generator.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/core/threads/parallel.hpp"

namespace tessera {

namespace detail {

/// Box-Muller over blocks of 16 uniforms: the first eight give radii, the last eight angles.
/// Rounded step by step as torch does, so that float agrees to a unit in the last place.
template <std::floating_point Scalar>
void normal_from_uniform(Scalar* block, Scalar mean, Scalar std) {
  const auto full_turn = static_cast<Scalar>(2.0 * std::numbers::pi);
  for (int i = 0; i < 8; ++i) {
    const double squared = -2.0 * std::log(static_cast<double>(Scalar(1) - block[i]));
    const auto radius = static_cast<Scalar>(std::sqrt(squared));
    const auto angle = static_cast<double>(full_turn * block[i + 8]);
    block[i] = std::fma(radius * static_cast<Scalar>(std::cos(angle)), std, mean);
    block[i + 8] = std::fma(radius * static_cast<Scalar>(std::sin(angle)), std, mean);
  }
}

}  // namespace detail

/// torch's Tensor.uniform_: fills with draws from [low, high). Throws std::invalid_argument unless
/// low <= high and the difference is finite.
template <std::floating_point Scalar>
void fill_uniform(std::span<Scalar> values, double low, double high, Generator& generator) {
  const auto low_scalar = static_cast<Scalar>(low);
  const auto high_scalar = static_cast<Scalar>(high);
  detail::check_uniform_range("fill_uniform", low_scalar, high_scalar);
  for (Scalar& value : values) {
    value = detail::between(generator.uniform<Scalar>(), low_scalar, high_scalar);
  }
}

/// torch's Tensor.normal_: fewer than 16 values are drawn one by one in double; otherwise in blocks
/// of 16, where the last 16 are drawn again if the count is not a multiple of 16. Throws
/// std::invalid_argument unless mean is finite and std is finite and not negative.
template <std::floating_point Scalar>
void fill_normal(std::span<Scalar> values, double mean, double std, Generator& generator) {
  if (!(std::isfinite(mean) && std::isfinite(std) && std >= 0.0)) {
    refuse("fill_normal", "mean = ", mean, ", std = ", std,
           " must be finite, and std not negative");
  }
  if (values.size() < 16) {
    for (Scalar& value : values) {
      value = static_cast<Scalar>(std::fma(generator.normal(), std, mean));
    }
    return;
  }
  const auto mean_scalar = static_cast<Scalar>(mean);
  const auto std_scalar = static_cast<Scalar>(std);
  for (Scalar& value : values) value = generator.uniform<Scalar>();
  parallel_ranges(static_cast<Index>(values.size() / 16), 512, [&](Index begin, Index end) {
    for (Index block = begin; block < end; ++block) {
      detail::normal_from_uniform(values.data() + 16 * block, mean_scalar, std_scalar);
    }
  });
  if (values.size() % 16 != 0) {
    const std::span<Scalar> last = values.last(16);
    for (Scalar& value : last) value = generator.uniform<Scalar>();
    detail::normal_from_uniform(last.data(), mean_scalar, std_scalar);
  }
}

/// Normal cut to [low, high] (absolute, not in units of std) by the inverse distribution function,
/// as timm, lightly and the MAE and I-JEPA code do it; torch.nn.init.trunc_normal_ did so too, but
/// rejects and redraws in version 2.13. Throws std::invalid_argument unless low < high, std > 0 and
/// all are finite.
template <std::floating_point Scalar>
void fill_trunc_normal(std::span<Scalar> values, double mean, double std, double low, double high,
                       Generator& generator) {
  if (!(std::isfinite(mean) && std::isfinite(std) && std > 0.0 && std::isfinite(low) &&
        std::isfinite(high) && low < high)) {
    refuse("fill_trunc_normal", "mean = ", mean, ", std = ", std, ", low = ", low,
           ", high = ", high, " must be finite, with std > 0 and low < high");
  }
  const auto distribution = [&](double x) {
    return (1.0 + std::erf((x - mean) / std / std::numbers::sqrt2)) / 2.0;
  };
  fill_uniform(values, 2.0 * distribution(low) - 1.0, 2.0 * distribution(high) - 1.0, generator);
  const auto scale = static_cast<Scalar>(std * std::numbers::sqrt2);
  const auto shift = static_cast<Scalar>(mean);
  const auto low_scalar = static_cast<Scalar>(low);
  const auto high_scalar = static_cast<Scalar>(high);
  parallel_ranges(static_cast<Index>(values.size()), 8192, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      Scalar& value = values[static_cast<std::size_t>(i)];
      value = std::clamp(erfinv(value) * scale + shift, low_scalar, high_scalar);
    }
  });
}

/// torch.rand: uniform in [0, 1), in row-major order.
template <std::floating_point Scalar, std::size_t Rank>
Tensor<Scalar, static_cast<int>(Rank)> rand(const std::array<Index, Rank>& shape,
                                            Generator& generator) {
  auto values = Tensor<Scalar, static_cast<int>(Rank)>::empty(shape);
  for (Scalar& value : values) value = generator.uniform<Scalar>();
  return values;
}

/// torch.randn: standard normal.
template <std::floating_point Scalar, std::size_t Rank>
Tensor<Scalar, static_cast<int>(Rank)> randn(const std::array<Index, Rank>& shape,
                                             Generator& generator) {
  auto values = Tensor<Scalar, static_cast<int>(Rank)>::empty(shape);
  fill_normal(values.values(), 0.0, 1.0, generator);
  return values;
}

/// torch.randperm: 0, ..., count - 1 in random order. Throws std::invalid_argument if count is
/// negative, or so large (214748364 and more) that torch draws in another way.
inline Tensor<Index, 1> randperm(Index count, Generator& generator) {
  if (!(count >= 0 && count < Index{0xffffffff} / 20)) {
    refuse("randperm", "count = ", count, " is outside [0, ", Index{0xffffffff} / 20, ")");
  }
  auto order = Tensor<Index, 1>::empty({count});
  for (Index i = 0; i < count; ++i) order(i) = i;
  for (Index i = 0; i + 1 < count; ++i) {
    std::swap(order(i), order(i + static_cast<Index>(generator.random32()) % (count - i)));
  }
  return order;
}

}  // namespace tessera
