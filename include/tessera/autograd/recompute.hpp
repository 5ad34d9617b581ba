#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "tessera/autograd/tape.hpp"
#include "tessera/core/random/generator.hpp"
#include "tessera/core/threads/execution.hpp"

namespace tessera {

namespace detail {

/// The things that f(x) depends on beside x: the numbers that are drawn, and the precision and
/// instruction set of products. Kept in forward, put back while backward calls f again.
class ForwardConditions {
 public:
  explicit ForwardConditions(const Generator* generator) {
    if (generator != nullptr) generator_ = *generator;
  }

  /// Returns f() under the kept conditions; the generator is left where it is now.
  template <class F>
  auto call(Generator* generator, const F& f) const {
    ExecutionContext context = execution_context();  // today's threads: they change no result
    context.matmul_precision = precision_;
    context.isa = isa_;
    const ContextOverride as_in_forward(context);
    const RewoundGenerator rewound(generator, generator_);
    return f();
  }

 private:
  class RewoundGenerator {
   public:
    RewoundGenerator(Generator* generator, const std::optional<Generator>& state)
        : generator_(generator) {
      if (generator_ != nullptr) state_now_ = std::exchange(*generator_, *state);
    }
    RewoundGenerator(const RewoundGenerator&) = delete;
    RewoundGenerator& operator=(const RewoundGenerator&) = delete;
    ~RewoundGenerator() {
      if (generator_ != nullptr) *generator_ = *state_now_;
    }

   private:
    Generator* generator_;
    std::optional<Generator> state_now_;
  };

  std::optional<Generator> generator_;
  MatmulPrecision precision_ = current_matmul_precision();
  Isa isa_ = current_isa();
};

/// The two acts of recompute() on a tape, which lets this class alone see its entries and state.
template <std::floating_point Scalar>
class Recomputation {
 public:
  explicit Recomputation(Tape<Scalar>& tape) : tape_(tape), former_state_(tape.state_) {}
  Recomputation(const Recomputation&) = delete;
  Recomputation& operator=(const Recomputation&) = delete;
  ~Recomputation() { tape_.state_ = former_state_; }

  /// In forward: returns f(), of which nothing is recorded. An operation that would be recorded,
  /// as it uses another value whose gradient is wanted, throws std::invalid_argument.
  template <class F>
  auto values_of(const F& f) {
    tape_.state_ = former_state_ == TapeState::recording ? TapeState::values_only
                                                         : TapeState::replaying_values_only;
    const std::size_t uses_before = tape_.parameter_uses_;
    auto result = f();
    used_parameters_ = tape_.parameter_uses_ > uses_before;
    return result;
  }
  bool used_parameters() const { return used_parameters_; }

  /// In backward: records f() at the end of the tape, sends `gradient` through it and takes it out
  /// again. Throws std::invalid_argument if f uses a parameter that forward did not.
  template <int Rank, class F>
  void replay(const F& f, Tensor<Scalar, Rank> gradient) {
    tape_.state_ = TapeState::replaying;
    const TakeOut replayed(tape_);
    const GradientSink<Scalar, Rank> result = f().gradient();
    result.add(std::move(gradient));
    tape_.walk_back_to(replayed.begin, nullptr);
  }

 private:
  /// Takes out of the tape what was appended since.
  struct TakeOut {
    explicit TakeOut(Tape<Scalar>& from) : tape(from), begin(from.entries_.size()) {}
    TakeOut(const TakeOut&) = delete;
    TakeOut& operator=(const TakeOut&) = delete;
    ~TakeOut() { tape.entries_.resize(begin); }
    Tape<Scalar>& tape;
    std::size_t begin;
  };

  Tape<Scalar>& tape_;
  TapeState former_state_;
  bool used_parameters_ = false;
};

}  // namespace detail

/// x -> f(x), a Var as well: the same values and gradients, but of what f computes on the way
/// nothing is kept (gradient checkpointing):
///
///     const auto y = recompute(x, [&](const Var<float, 3>& in) { return block(in); });
///
/// Backward calls f(x) once more, with the same random numbers and precision. f is kept until then,
/// and so must be what it refers to; it may depend on x, constants and parameters alone. Without a
/// tape, f(x). Throws std::invalid_argument if f uses another value whose gradient is wanted, or
/// what f throws; if that happens in backward, the tape cannot be walked again.
template <std::floating_point Scalar, int Rank, class F>
auto recompute(const Var<Scalar, Rank>& x, F f) {
  using Result = std::remove_cvref_t<decltype(f(x))>;
  using Gradient = Tensor<Scalar, Result::rank>;
  Tape<Scalar>* tape = x.tape();
  const bool within_another =
      tape != nullptr && (tape->state() == TapeState::values_only ||
                          tape->state() == TapeState::replaying_values_only);
  if (tape == nullptr || within_another) return f(x);
  const detail::ForwardConditions conditions(tape->generator());
  std::shared_ptr<const Gradient> value;
  bool wanted = x.requires_grad();
  {
    detail::Recomputation<Scalar> forward(*tape);
    value = forward.values_of([&] { return f(Var<Scalar, Rank>(x.shared(), tape)).shared(); });
    wanted = wanted || forward.used_parameters();
  }
  if (!wanted) return Result(std::move(value), tape);
  return tape->push(std::move(value), [tape, x, f = std::move(f), conditions](Gradient gradient) {
    detail::Recomputation<Scalar>(*tape).replay(
        [&] { return conditions.call(tape->generator(), [&] { return f(x); }); },
        std::move(gradient));
  });
}

}  // namespace tessera
