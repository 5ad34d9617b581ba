#pragma once

#include <concepts>

#include "tessera/autograd/tape.hpp"
#include "tessera/ops/scale.hpp"

namespace tessera {

/// Gradient accumulation: the gradients of a batch that is too large for memory, computed part by
/// part. Calls loss_of(part, tape) for each part in [0, parts), with a tape of its own whose
/// activations are released before the next part begins, and leaves in `total` the gradients of the
/// mean of all losses. Returns that mean. `total` is an empty tape, to be stepped with as if it had
/// been walked itself; its generator and settings are those of the parts' tapes:
///
///     Tape<float> tape(generator);
///     const float loss = accumulate_gradients(tape, 8, [&](Index part, Tape<float>& part_tape) {
///       return mae.loss(Var(images_of(part), &part_tape), idx_keep_of(part), idx_mask_of(part));
///     });
///     clip_grad_norm(mae, tape, 1.0);
///     optimizer.step(mae, tape);
///
/// Parts weigh the same: for the gradients of the undivided batch they must be of one size, and a
/// loss that divides by a count must find the same count in each. The sums are made in another
/// order than at once, so the results agree to rounding. Throws std::invalid_argument if parts is
/// not positive or `total` is not empty.
template <std::floating_point Scalar, class LossOf>
Scalar accumulate_gradients(Tape<Scalar>& total, Index parts, const LossOf& loss_of) {
  if (parts <= 0) refuse("accumulate_gradients", "parts = ", parts, " must be positive");
  if (total.entries() > 0 || total.state() != TapeState::recording) {
    refuse("accumulate_gradients", "the tape must be a new one; it has ", total.entries(),
           " entries");
  }
  const auto weight = Scalar(1) / static_cast<Scalar>(parts);
  Scalar mean = 0;
  for (Index part = 0; part < parts; ++part) {
    auto tape = total.generator() != nullptr ? Tape<Scalar>(*total.generator(), total.settings())
                                             : Tape<Scalar>(total.settings());
    const Var<Scalar, 0> loss = scale(loss_of(part, tape), weight);
    mean += loss.value().item();
    tape.backward(loss);
    total.take_gradients(tape);
  }
  return mean;
}

}  // namespace tessera
