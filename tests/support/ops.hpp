#pragma once

// Properties that every operation is tested for, one line each. `f` is a generic lambda of Vars;
// inputs are given in double and rounded for float.

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "support/close.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/add.hpp"

namespace tessera::test {

/// The results of an operation: its value, and for each input the gradient, if one arrived, of the
/// sum of its value times fixed random weights.
struct Outcome {
  std::vector<Index> shape;
  Values value;
  std::vector<std::optional<Values>> gradients;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

namespace detail {

inline constexpr std::uint64_t weight_seed = 20;

template <std::floating_point Scalar, int Rank>
Var<Scalar, 0> weigh(const Var<Scalar, Rank>& y) {
  return weighted_sum(y, random_tensor<Rank, Scalar>(y.shape(), weight_seed));
}

/// Runs f, `uses` times on one tape; input i is a variable where wanted[i], a constant elsewhere.
template <class Scalar, class F, int... Ranks>
Outcome run(const F& f, const std::vector<bool>& wanted, int uses,
            const Tensor<double, Ranks>&... inputs) {
  Tape<Scalar> tape;
  std::size_t next = 0;
  const auto enter = [&]<int Rank>(const Tensor<double, Rank>& input) {
    Tensor<Scalar, Rank> value = input.template cast<Scalar>();
    return wanted[next++] ? tape.variable(std::move(value))
                          : Var<Scalar, Rank>(std::move(value), &tape);
  };
  const std::tuple<Var<Scalar, Ranks>...> vars{enter(inputs)...};
  const auto y = std::apply(f, vars);
  Var<Scalar, 0> loss = weigh(y);
  for (int use = 1; use < uses; ++use) loss = add(loss, weigh(std::apply(f, vars)));
  tape.backward(loss);
  Outcome outcome{{y.shape().begin(), y.shape().end()}, values_of(y.value()), {}};
  const auto collect = [&](const auto& var) {
    const auto* gradient = tape.gradient(var);
    outcome.gradients.push_back(gradient ? std::optional(values_of(*gradient)) : std::nullopt);
  };
  std::apply([&](const auto&... var) { (collect(var), ...); }, vars);
  return outcome;
}

inline void check_close(const Outcome& found, const Outcome& expected, double allowed) {
  CHECK(found.shape == expected.shape);
  CHECK(distance(found.value, expected.value) <= allowed);
  REQUIRE(found.gradients.size() == expected.gradients.size());
  for (std::size_t i = 0; i < found.gradients.size(); ++i) {
    INFO("gradient of input " << i);
    REQUIRE(found.gradients[i].has_value() == expected.gradients[i].has_value());
    if (found.gradients[i]) {
      CHECK(distance(*found.gradients[i], *expected.gradients[i]) <= allowed);
    }
  }
}

/// Elements of an input that are compared: all of a small one, some of a large one.
inline std::vector<std::size_t> chosen_elements(std::size_t count) {
  constexpr std::size_t all = 128;
  constexpr std::size_t some = 24;
  std::vector<std::size_t> chosen;
  if (count <= all) {
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(i);
    return chosen;
  }
  Generator generator(7);
  chosen = {0, count - 1};
  while (chosen.size() < some) chosen.push_back(generator.random32() % count);
  return chosen;
}

/// Compares the gradients with central differences of fourth order. `evaluate` computes the value
/// anew from `inputs`, which are put back.
inline void check_differences(const std::function<Values()>& evaluate,
                              const std::vector<std::span<double>>& inputs,
                              const Outcome& outcome) {
  const Tensor<double, 1> weights =
      random_tensor<1>({static_cast<Index>(outcome.value.size())}, weight_seed);
  double worst = 0;
  std::string place = "none";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (const std::size_t element : chosen_elements(inputs[i].size())) {
      double& x = inputs[i][element];
      const double former = x;
      const auto difference = [&](double step) {  // of the weighted sum, between x +- step
        x = former + step;
        const Values above = evaluate();
        x = former - step;
        const Values below = evaluate();
        x = former;
        double sum = 0;
        for (std::size_t k = 0; k < above.size(); ++k) {
          sum += (above[k] - below[k]) * weights(k);
        }
        return sum;
      };
      constexpr double step = 1e-3;
      const double numeric = (8 * difference(step) - difference(2 * step)) / (12 * step);
      const double backward = outcome.gradients[i] ? (*outcome.gradients[i])[element] : 0;
      const double error =
          std::abs(backward - numeric) / std::max({1e-4, std::abs(backward), std::abs(numeric)});
      if (!std::isfinite(error) || error > worst) {
        worst = error;
        place = "input " + std::to_string(i) + ", element " + std::to_string(element) +
                ": backward " + std::to_string(backward) + ", numeric " + std::to_string(numeric);
      }
    }
  }
  INFO("gradient against central differences, worst at " << place);
  CHECK(worst <= gradient_tolerance);
}

}  // namespace detail

/// The value is finite and the same with and without a tape; the gradient of every input agrees
/// with central differences in double, is the same bits when it alone is asked for, and twice as
/// large when the inputs are used twice; float agrees with double in value and gradients.
template <class F, int... Ranks>
void expect_gradient(const F& f, const Tensor<double, Ranks>&... inputs) {
  constexpr std::size_t count = sizeof...(Ranks);
  const std::vector<bool> all(count, true);
  const Outcome full = detail::run<double>(f, all, 1, inputs...);
  CHECK(distance(full.value, full.value) == 0);  // finite

  std::tuple<Tensor<double, Ranks>...> moving{inputs...};
  const auto borrow = []<int Rank>(const Tensor<double, Rank>& input) {
    return Var<double, Rank>::borrowed(input);
  };
  const auto evaluate = [&] {
    return std::apply([&](const auto&... x) { return values_of(f(borrow(x)...).value()); }, moving);
  };
  CHECK(evaluate() == full.value);
  std::vector<std::span<double>> elements;
  std::apply([&](auto&... x) { (elements.push_back(x.values()), ...); }, moving);
  detail::check_differences(evaluate, elements, full);

  detail::check_close(detail::run<float>(f, all, 1, inputs...), full, tolerance<float>);

  const Outcome twice = detail::run<double>(f, all, 2, inputs...);
  for (std::size_t i = 0; i < count; ++i) {
    INFO("input " << i);
    REQUIRE(full.gradients[i].has_value());
    Values doubled = *full.gradients[i];
    for (double& value : doubled) value *= 2;
    REQUIRE(twice.gradients[i].has_value());
    CHECK(distance(*twice.gradients[i], doubled) <= tolerance<double>);

    std::vector<bool> only(count, false);
    only[i] = true;
    const Outcome alone = detail::run<double>(f, only, 1, inputs...);
    for (std::size_t k = 0; k < count; ++k) {
      CHECK(alone.gradients[k] == (k == i ? full.gradients[i] : std::nullopt));
    }
  }
}

/// f and g agree in value and gradients, in double and in float.
template <class F, class G, int... Ranks>
void expect_twins(const F& f, const G& g, const Tensor<double, Ranks>&... inputs) {
  const std::vector<bool> all(sizeof...(Ranks), true);
  detail::check_close(detail::run<double>(f, all, 1, inputs...),
                      detail::run<double>(g, all, 1, inputs...), tolerance<double>);
  detail::check_close(detail::run<float>(f, all, 1, inputs...),
                      detail::run<float>(g, all, 1, inputs...), tolerance<float>);
}

/// Value and gradients have the same bits on 1, 2, 3 and 4 threads.
template <class Scalar, class F, int... Ranks>
void expect_same_bits(const F& f, const Tensor<double, Ranks>&... inputs) {
  const std::vector<bool> all(sizeof...(Ranks), true);
  const Outcome expected = detail::run<Scalar>(f, all, 1, inputs...);
  for (const Index threads : {1, 2, 3, 4}) {
    INFO(threads << " threads");
    const ExecutionScope scope({.threads = threads});
    const bool same = detail::run<Scalar>(f, all, 1, inputs...) == expected;
    CHECK(same);
  }
}

/// f throws std::invalid_argument with exactly this text, records nothing and leaves its inputs as
/// they are.
template <class F, int... Ranks>
void expect_refused(const std::string& text, const F& f, const Tensor<double, Ranks>&... inputs) {
  Tape<double> tape;
  const std::tuple<Var<double, Ranks>...> vars{tape.variable(inputs)...};
  CHECK(error_of([&] { std::apply(f, vars); }) == text);
  CHECK(tape.entries() == sizeof...(Ranks));
  const bool unchanged =
      std::apply([&](const auto&... var) { return ((var.value() == inputs) && ...); }, vars);
  CHECK(unchanged);
}

/// f refuses any pair of its inputs on different tapes.
template <class F, int... Ranks>
void expect_refuses_two_tapes(const std::string& op, const F& f,
                              const Tensor<double, Ranks>&... inputs) {
  constexpr std::size_t count = sizeof...(Ranks);
  static_assert(count > 1);
  for (std::size_t one = 0; one < count; ++one) {
    for (std::size_t other = one + 1; other < count; ++other) {
      INFO("inputs " << one << " and " << other);
      Tape<double> first;
      Tape<double> second;
      std::size_t next = 0;
      const auto enter = [&]<int Rank>(const Tensor<double, Rank>& input) {
        const std::size_t i = next++;
        if (i == one) return first.variable(input);
        if (i == other) return second.variable(input);
        return Var<double, Rank>(input);
      };
      const std::tuple<Var<double, Ranks>...> vars{enter(inputs)...};
      CHECK(error_of([&] { std::apply(f, vars); }) ==
            op + ": inputs are recorded on two different tapes");
      CHECK(first.entries() == 1);
      CHECK(second.entries() == 1);
    }
  }
}

}  // namespace tessera::test
