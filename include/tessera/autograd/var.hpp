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

/// The node of a value that is no entry of a tape.
inline constexpr std::size_t no_node = static_cast<std::size_t>(-1);

/// A tape's address, as its Vars share it: it outlives the tape and then is null, so that a Var
/// notices that its tape has ended.
template <std::floating_point Scalar>
struct TapeLink {
  Tape<Scalar>* tape;
};

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_ended_tape() {
  refuse("Var",
         "the tape that recorded this value has ended; a Var may be computed with only while its "
         "tape lives (its value() may be read and copied at any time)");
}

template <std::floating_point Scalar, int Rank>
std::shared_ptr<const Tensor<Scalar, Rank>> share(Tensor<Scalar, Rank>&& value) {
  using Value = Tensor<Scalar, Rank>;
  return std::allocate_shared<Value>(CachedAllocator<Value>(), std::move(value));
}

}  // namespace detail

/// Where a backward pass puts the gradient of one value. Small, and holds no value. An operation's
/// closure keeps the sinks of its inputs; it must not be kept anywhere else than in a tape.
template <std::floating_point Scalar, int Rank>
class GradientSink {
 public:
  GradientSink() = default;
  GradientSink(Tape<Scalar>* tape, std::size_t node, const Shape<Rank>& shape)
      : tape_(tape), node_(node), shape_(shape) {}

  /// True if anybody asked for this gradient.
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
/// records what happens to it:
///
///     const Var<float, 4> images = batch;         // a tensor is a Var that records nothing
///     const Var<float, 4> images(batch, &tape);   // what is computed from this is recorded
///     const Var<float, 3> tokens = encoder.encode(images);
///     const Tensor<float, 3>& values = tokens.value();
///
/// Once its tape has ended, a Var keeps its value, but no operation takes it any more: they throw
/// std::invalid_argument.
template <std::floating_point Scalar, int Rank>
class Var {
 public:
  using scalar_type = Scalar;
  static constexpr int rank = Rank;

  /// A constant: carries the tape to what is computed from it, wants no gradient itself.
  Var(Tensor<Scalar, Rank> value, Tape<Scalar>* tape = nullptr)  // implicit: a tensor is a Var
      : Var(detail::share(std::move(value)), tape) {}

  Var(std::shared_ptr<const Tensor<Scalar, Rank>> value, Tape<Scalar>* tape,
      std::size_t node = detail::no_node)
      : value_(std::move(value)), node_(node) {
    if (tape != nullptr) link_ = tape->link();
  }

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

  /// Null for a value that nothing records. Throws std::invalid_argument if the tape has ended.
  Tape<Scalar>* tape() const {
    if (link_ == nullptr) return nullptr;
    if (link_->tape == nullptr) detail::refuse_ended_tape();
    return link_->tape;
  }
  std::size_t node() const { return node_; }
  bool requires_grad() const { return node_ != detail::no_node; }
  GradientSink<Scalar, Rank> gradient() const { return {tape(), node_, shape()}; }

 private:
  std::shared_ptr<const Tensor<Scalar, Rank>> value_;
  std::shared_ptr<const detail::TapeLink<Scalar>> link_;
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
