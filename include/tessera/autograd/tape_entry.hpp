#pragma once

#include <concepts>
#include <span>
#include <utility>

#include "tessera/core/tensor.hpp"

namespace tessera {

/// Receives the gradients of parameters while backward runs, each one as soon as it is complete and
/// nothing that is left of backward reads the parameter, which may then change.
template <std::floating_point Scalar>
class GradientReceiver {
 public:
  virtual void receive(const void* parameter, std::span<const Scalar> gradient) = 0;

 protected:
  ~GradientReceiver() = default;
};

namespace detail {

/// One entry of a tape, whatever the rank of its value: a variable, a parameter or an operation,
/// with the gradient that has arrived for it so far.
template <std::floating_point Scalar>
class TapeEntry {
 public:
  TapeEntry() = default;
  TapeEntry(const TapeEntry&) = delete;
  TapeEntry& operator=(const TapeEntry&) = delete;
  virtual ~TapeEntry() = default;

  /// An operation hands its gradient on to its inputs; other entries keep theirs.
  virtual bool is_operation() const { return false; }
  virtual void run_backward() {}

  virtual std::span<const Scalar> gradient_values() const = 0;
  virtual void release_gradient() = 0;

  const void* parameter = nullptr;  ///< address of the parameter whose gradient this is, if any
  bool arrived = false;             ///< a gradient has arrived
};

/// A variable or a parameter.
template <std::floating_point Scalar, int Rank>
class TapeLeaf : public TapeEntry<Scalar> {
 public:
  std::span<const Scalar> gradient_values() const override { return gradient.values(); }
  void release_gradient() override {
    gradient = Tensor<Scalar, Rank>();
    this->arrived = false;
  }

  Tensor<Scalar, Rank> gradient;
};

/// An operation with its closure, `backward(Tensor<Scalar, Rank> gradient)`.
template <std::floating_point Scalar, int Rank, class Backward>
class TapeOperation final : public TapeLeaf<Scalar, Rank> {
 public:
  template <class F>
  explicit TapeOperation(F&& backward) : backward_(std::forward<F>(backward)) {}
  [[gnu::noinline]] ~TapeOperation() override = default;  // inline, it would be compiled twice

  bool is_operation() const override { return true; }
  void run_backward() override { backward_(std::move(this->gradient)); }

 private:
  Backward backward_;
};

}  // namespace detail
}  // namespace tessera
