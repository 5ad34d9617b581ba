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

/// What f(x) depends on beside x: the numbers that are drawn, and how products are computed.
class Circumstances {
 public:
  explicit Circumstances(const Generator* generator) {
    if (generator != nullptr) generator_ = *generator;
  }

  /// f() as it was then; the generator is left where it is now.
  template <class F>
  auto again(Generator* generator, const F& f) const {
    ExecutionContext context = execution_context();  // today's threads: they change no result
    context.matmul_precision = precision_;
    context.isa = isa_;
    const ContextOverride as_then(context);
    const Rewind rewind(generator, generator_);
    return f();
  }

 private:
  struct Rewind {
    Rewind(Generator* of, const std::optional<Generator>& then) : place(of) {
      if (place != nullptr) former = std::exchange(*place, *then);
    }
    Rewind(const Rewind&) = delete;
    Rewind& operator=(const Rewind&) = delete;
    ~Rewind() {
      if (place != nullptr) *place = *former;
    }
    Generator* place;
    std::optional<Generator> former;
  };

  std::optional<Generator> generator_;
  MatmulPrecision precision_ = current_matmul_precision();
  Isa isa_ = current_isa();
};

}  // namespace detail

/// x -> f(x), a Var as well: the same values and gradients, but of what f computes on the way
/// nothing is kept. Backward calls f(x) once more, with the same random numbers and precision. f is
/// kept until then; it may depend on x, constants and parameters alone. Without a tape, f(x).
/// Throws std::invalid_argument if f uses another value whose gradient is wanted, or what f throws;
/// if that happens in backward, the tape cannot be walked again.
template <std::floating_point Scalar, int Rank, class F>
auto recompute(const Var<Scalar, Rank>& x, F f) {
  using Result = std::remove_cvref_t<decltype(f(x))>;
  Tape<Scalar>* tape = x.tape();
  if (tape == nullptr || !tape->recording()) return f(x);
  const detail::Circumstances then(tape->generator());
  std::shared_ptr<const Tensor<Scalar, Result::rank>> value;
  const bool uses_parameters =
      tape->without_recording([&] { value = f(Var<Scalar, Rank>(x.shared(), tape)).shared(); });
  if (!uses_parameters && !x.requires_grad()) return Result(std::move(value), tape);
  return tape->push(
      std::move(value), [tape, x, f = std::move(f), then](Tensor<Scalar, Result::rank> gradient) {
        const auto again = [&] { return then.again(tape->generator(), [&] { return f(x); }); };
        tape->replay(again, std::move(gradient));
      });
}

}  // namespace tessera
