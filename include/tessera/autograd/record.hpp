#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "tessera/autograd/tape.hpp"

namespace tessera {

namespace detail {

/// Finds the tape that the inputs of an operation carry, and if one of them wants a gradient.
template <std::floating_point Scalar>
struct Recording {
  std::string_view op;
  Tape<Scalar>* tape = nullptr;
  bool wanted = false;

  void meet(Tape<Scalar>* other, bool requires_grad) {
    if (!(tape == nullptr || other == nullptr || tape == other)) {
      refuse(op, "inputs are recorded on two different tapes");
    }
    if (tape == nullptr) tape = other;
    wanted = wanted || requires_grad;
  }

  template <int Rank>
  void add(const Var<Scalar, Rank>& input) {
    meet(input.tape(), input.requires_grad());
  }
  template <int Rank>
  void add(const std::optional<Var<Scalar, Rank>>& input) {
    if (input) add(*input);
  }
  template <int Rank>
  void add(std::span<const Var<Scalar, Rank>> inputs) {
    for (const Var<Scalar, Rank>& input : inputs) add(input);
  }
};

/// Throws std::invalid_argument for a value that was moved from. A moved-from tensor has only zeros
/// as sizes, which no operation makes but from a one-dimensional input (rank 0: no element).
template <std::floating_point Scalar, int Rank>
void check_not_moved_from(std::string_view op, const Tensor<Scalar, Rank>& value) {
  if constexpr (Rank != 1) {
    if (value.size() > 0 || value.shape() != Shape<Rank>{}) return;
    refuse(op,
           "the value to record is empty; if its closure captured it by std::move, share it "
           "first: const auto value = detail::share(std::move(y)), for record and closure alike");
  }
}

}  // namespace detail

/// The end of every operation: wraps its value and, if an input wants a gradient, records
/// `backward(Tensor<Scalar, Rank> gradient)`. Inputs are Vars, optional Vars or spans of Vars.
///
///     return record("scale", std::move(y), [dx = x.gradient(), factor](Tensor<Scalar, 2> dy) {
///       dy.array() *= factor;
///       dx.add(std::move(dy));
///     }, x);
///
/// C++ does not say which argument is evaluated first, so a closure must not move from what the
/// value is made of. A backward that reads the value captures the pointer that both share.
///
/// Throws std::invalid_argument if the inputs carry two different tapes, or if the value was moved
/// from.
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, std::shared_ptr<const Tensor<Scalar, Rank>> value,
                         Backward&& backward, const Inputs&... inputs) {
  if (value == nullptr) {
    refuse(op, "the value to record was moved away; copy the pointer into the closure");
  }
  detail::check_not_moved_from(op, *value);
  detail::Recording<Scalar> recording{op};
  (recording.add(inputs), ...);
  if (!recording.wanted) return {std::move(value), recording.tape};
  return recording.tape->push(std::move(value), std::forward<Backward>(backward));
}
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, Tensor<Scalar, Rank>&& value, Backward&& backward,
                         const Inputs&... inputs) {
  detail::check_not_moved_from(op, value);
  return record(op, detail::share(std::move(value)), std::forward<Backward>(backward), inputs...);
}

}  // namespace tessera
