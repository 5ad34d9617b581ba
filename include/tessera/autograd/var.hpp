#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "tessera/core/tensor.hpp"

namespace tessera {

template <std::floating_point Scalar>
class Tape;

namespace detail {
inline constexpr std::size_t no_node = static_cast<std::size_t>(-1);

template <std::floating_point Scalar, int Rank>
std::shared_ptr<const Tensor<Scalar, Rank>> share(Tensor<Scalar, Rank>&& value) {
  using Value = Tensor<Scalar, Rank>;
  return std::allocate_shared<Value>(CachedAllocator<Value>(), std::move(value));
}

}  // namespace detail

/// Where a backward pass puts the gradient of one value. Small, and holds no value.
template <std::floating_point Scalar, int Rank>
class GradientSink {
 public:
  GradientSink() = default;
  GradientSink(Tape<Scalar>* tape, std::size_t node, const Shape<Rank>& shape)
      : tape_(tape), node_(node), shape_(shape) {}

  /// Whether anybody asked for this gradient.
  bool wanted() const { return node_ != detail::no_node; }
  const Shape<Rank>& shape() const { return shape_; }

  /// Adds to the gradient; nothing happens unless it is wanted.
  void add(Tensor<Scalar, Rank> gradient) const {
    if (wanted()) tape_->add_gradient(node_, shape_, std::move(gradient));
  }

 private:
  Tape<Scalar>* tape_ = nullptr;
  std::size_t node_ = detail::no_node;
  Shape<Rank> shape_{};
};

/// A value on its way through a model: a shared, immutable tensor and, in training, the tape that
/// records what happens to it; no operation may take it once that tape is gone. A Var made from a
/// tensor alone records nothing.
template <std::floating_point Scalar, int Rank>
class Var {
 public:
  using scalar_type = Scalar;
  static constexpr int rank = Rank;

  /// A constant: carries the tape to what is computed from it, wants no gradient itself.
  Var(Tensor<Scalar, Rank> value, Tape<Scalar>* tape = nullptr)  // implicit: a tensor is a Var
      : value_(detail::share(std::move(value))), tape_(tape) {}

  Var(std::shared_ptr<const Tensor<Scalar, Rank>> value, Tape<Scalar>* tape,
      std::size_t node = detail::no_node)
      : value_(std::move(value)), tape_(tape), node_(node) {}

  /// Refers to a tensor that must outlive the Var and everything recorded from it.
  static Var borrowed(const Tensor<Scalar, Rank>& value, Tape<Scalar>* tape = nullptr,
                      std::size_t node = detail::no_node) {
    return {std::shared_ptr<const Tensor<Scalar, Rank>>(std::shared_ptr<void>(), &value), tape,
            node};
  }

  const Tensor<Scalar, Rank>& value() const { return *value_; }
  const std::shared_ptr<const Tensor<Scalar, Rank>>& shared() const { return value_; }
  const Shape<Rank>& shape() const { return value_->shape(); }
  Index dim(int axis) const { return value_->dim(axis); }

  Tape<Scalar>* tape() const { return tape_; }
  std::size_t node() const { return node_; }
  bool requires_grad() const { return node_ != detail::no_node; }
  GradientSink<Scalar, Rank> gradient() const { return {tape_, node_, shape()}; }

 private:
  std::shared_ptr<const Tensor<Scalar, Rank>> value_;
  Tape<Scalar>* tape_ = nullptr;
  std::size_t node_ = detail::no_node;
};

/// An input that an operation may do without; the scalar is deduced from the others.
template <std::floating_point Scalar, int Rank>
using OptionalVar = std::type_identity_t<std::optional<Var<Scalar, Rank>>>;

/// The sink of an optional input: none wanted where there is no input.
template <std::floating_point Scalar, int Rank>
GradientSink<Scalar, Rank> gradient_of(const std::optional<Var<Scalar, Rank>>& input) {
  return input ? input->gradient() : GradientSink<Scalar, Rank>();
}

}  // namespace tessera
