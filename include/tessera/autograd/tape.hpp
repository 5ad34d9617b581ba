#pragma once

#include <concepts>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/autograd/borrowed_tensors.hpp"
#include "tessera/autograd/tape_entry.hpp"
#include "tessera/autograd/var.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/kernels/arithmetic.hpp"

namespace tessera {

class Generator;

namespace detail {
template <std::floating_point Scalar>
class Recomputation;
}

struct TapeSettings {
  /// Transformer blocks keep what they were given and nothing else; backward computes them again,
  /// one at a time, to the same bits. Less memory for about a third more time. Chen et al.,
  /// "Training deep nets with sublinear memory cost", 2016.
  bool recompute_blocks = false;
};

/// The life of a tape: `recording`, then `walked`. The other states are those of recompute(), which
/// leaves each of them as it found the tape.
enum class TapeState {
  recording,    ///< forward: operations are recorded
  values_only,  ///< forward of a part that backward will compute again: nothing is recorded
  walked,       ///< backward has begun: nothing can be recorded any more
  replaying,    ///< backward records a part again, with the parameters of forward
  replaying_values_only  ///< a part within that part, which it will compute again itself
};

/// The list of what was computed, in order, each entry with a closure for its gradient. It travels
/// with the data (see Var): what is computed from a Var that carries a tape is recorded there.
///
///     Tape<float> tape(generator);                               // one for each step
///     const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
///     tape.backward(loss);
///     const auto* gradient = tape.gradient(mae.decoder_embed.weight.value);
///     optimizer.step(mae, tape);
///
/// Gradients live here, so models stay const and may be shared between threads; a tape belongs to
/// one thread. It borrows parameters by address: from forward to the optimizer's step a model must
/// neither move nor change. Backward looks whether it did; in checked builds (core/checked.hpp) at
/// every value, otherwise at some. Functions throw std::invalid_argument as they say.
template <std::floating_point Scalar>
class Tape {
 public:
  /// Without a generator, dropout and drop path of a rate above 0 refuse to run.
  Tape() = default;
  explicit Tape(const TapeSettings& settings) : settings_(settings) {}
  /// The generator drives dropout and drop path; it must outlive the tape.
  explicit Tape(Generator& generator, const TapeSettings& settings = {})
      : settings_(settings), generator_(&generator) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  ~Tape() { link_->tape = nullptr; }

  const TapeSettings& settings() const { return settings_; }
  Generator* generator() const { return generator_; }
  TapeState state() const { return state_; }
  std::size_t entries() const { return entries_.size(); }

  /// Shared by all Vars of this tape, and by no other tape at any time.
  const std::shared_ptr<detail::TapeLink<Scalar>>& link() const { return link_; }

  /// An input whose gradient is wanted.
  template <int Rank>
  Var<Scalar, Rank> variable(Tensor<Scalar, Rank> value) {
    check_records();
    const std::size_t node = append(std::make_unique<detail::TapeLeaf<Scalar, Rank>>());
    return {detail::share(std::move(value)), this, node};
  }

  /// A borrowed tensor whose gradient is wanted; the same tensor always gives the same entry.
  /// Refuses a tensor at the address of a recorded one of another shape.
  template <int Rank>
  Var<Scalar, Rank> parameter(const Tensor<Scalar, Rank>& value) {
    ++parameter_uses_;
    const auto* const known = borrowed_.find("Tape::parameter", &value, value.shape());
    std::size_t node = known != nullptr ? known->node : detail::no_node;
    if (node == detail::no_node) {
      check_in_forward();
      node = append(std::make_unique<detail::TapeLeaf<Scalar, Rank>>());
      borrowed_.add(value, node);
      entries_[node]->parameter = &value;
    }
    return Var<Scalar, Rank>::borrowed(value, this, records() ? node : detail::no_node);
  }

  /// A borrowed tensor whose gradient is not wanted, such as a frozen parameter.
  template <int Rank>
  Var<Scalar, Rank> frozen_parameter(const Tensor<Scalar, Rank>& value) {
    if (in_forward()) borrowed_.add(value, detail::no_node);
    return Var<Scalar, Rank>::borrowed(value, this);
  }

  /// Appends an operation: `backward(Tensor<Scalar, Rank> gradient)` is called once, if a gradient
  /// arrives, and hands gradients on to the sinks it captured.
  template <int Rank, class Backward>
  Var<Scalar, Rank> push(std::shared_ptr<const Tensor<Scalar, Rank>> value, Backward&& backward) {
    check_records();
    using Operation = detail::TapeOperation<Scalar, Rank, std::remove_cvref_t<Backward>>;
    const std::size_t node = append(std::make_unique<Operation>(std::forward<Backward>(backward)));
    return {std::move(value), this, node};
  }

  /// Adds to the gradient of an entry; operations call it through GradientSink.
  template <int Rank>
  void add_gradient(std::size_t node, const Shape<Rank>& shape, Tensor<Scalar, Rank> gradient) {
    if (gradient.shape() != shape) {
      refuse("Tape::add_gradient", "gradient ", gradient.shape(), " does not match its value ",
             shape);
    }
    auto& leaf = static_cast<detail::TapeLeaf<Scalar, Rank>&>(*entries_[node]);
    if (!leaf.arrived) {
      leaf.gradient = std::move(gradient);
      leaf.arrived = true;
    } else {
      kernels::add<Scalar>(leaf.gradient.data(), gradient.data(), leaf.gradient.data(),
                           gradient.size());
    }
  }

  /// Walks the entries from last to first; each is released as it is passed, so that only the
  /// gradients of variables and parameters remain. Once per tape. Refuses a loss that was not
  /// recorded here, a second call, and parameters that moved or changed since they were recorded;
  /// then the tape is as before.
  void backward(const Var<Scalar, 0>& loss) { walk(loss, nullptr); }

  /// Backward that hands each parameter's gradient to receive(address, std::span<const Scalar>
  /// gradient), see GradientReceiver, and then releases it: the tape keeps none of a parameter.
  template <class Receive>
  void backward(const Var<Scalar, 0>& loss, const Receive& receive) {
    struct Receiver final : GradientReceiver<Scalar> {
      explicit Receiver(const Receive& function) : receive_function(function) {}
      void receive(const void* parameter, std::span<const Scalar> gradient) override {
        receive_function(parameter, gradient);
      }
      const Receive& receive_function;
    };
    Receiver receiver(receive);
    walk(loss, &receiver);
  }

  /// Gradient of a variable or parameter after backward; null if none arrived.
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Var<Scalar, Rank>& of) const {
    if (of.tape() != this) refuse("Tape::gradient", "the value belongs to another tape");
    return gradient_at<Rank>(of.node());
  }
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Tensor<Scalar, Rank>& parameter) const {
    const auto* const known = borrowed_.find("Tape::gradient", &parameter, parameter.shape());
    return gradient_at<Rank>(known != nullptr ? known->node : detail::no_node);
  }

  /// Gradient of the parameter at this address as flat values; empty if none arrived.
  std::span<const Scalar> gradient_values(const void* parameter) const {
    const std::size_t node = borrowed_.node_of(parameter);
    if (node == detail::no_node || entries_[node] == nullptr || !entries_[node]->arrived) return {};
    return entries_[node]->gradient_values();
  }
  std::span<Scalar> gradient_values(const void* parameter) {
    const std::span<const Scalar> values = std::as_const(*this).gradient_values(parameter);
    return {const_cast<Scalar*>(values.data()), values.size()};  // the tape owns them
  }

  /// True if the tensor at this address was used as a parameter.
  bool has_parameter(const void* parameter) const {
    return borrowed_.node_of(parameter) != detail::no_node;
  }

  /// Takes the parameters' gradients of a tape that was walked and adds them to this tape's own:
  /// accumulate_gradients (train/) does it for the parts of a batch. Records nothing before it and
  /// nothing after: throws std::invalid_argument if this tape recorded something.
  void take_gradients(Tape& from) {
    constexpr std::string_view op = "Tape::take_gradients";
    if (from.state_ != TapeState::walked) refuse(op, "the other tape was not walked yet");
    if (state_ == TapeState::recording && !entries_.empty()) {
      refuse(op, "this tape recorded ", entries_.size(), " entries; take an empty one");
    }
    entries_.reserve(entries_.size() + from.borrowed_.records().size());
    for (const detail::BorrowedTensors::Record& record : from.borrowed_.records()) {
      if (record.node == detail::no_node || !from.entries_[record.node]->arrived) continue;
      const std::size_t node = borrowed_.node_of(record.tensor);
      if (node == detail::no_node) {
        borrowed_.add(record, entries_.size());
        entries_.push_back(std::move(from.entries_[record.node]));
        from.entries_[record.node] = nullptr;
      } else {
        const std::span<Scalar> sum = gradient_values(record.tensor);
        const std::span<const Scalar> part = from.entries_[record.node]->gradient_values();
        if (sum.size() != part.size()) refuse(op, "a parameter has another size on the other tape");
        kernels::add<Scalar>(sum.data(), part.data(), sum.data(), std::ssize(sum));
      }
    }
    state_ = TapeState::walked;
  }

  /// Number of different parameters that were used.
  Index parameter_count() const { return borrowed_.with_node(); }

 private:
  friend class detail::Recomputation<Scalar>;
  using Entry = detail::TapeEntry<Scalar>;

  static std::shared_ptr<detail::TapeLink<Scalar>> link_to(Tape* tape) {
    using Link = detail::TapeLink<Scalar>;
    return std::allocate_shared<Link>(CachedAllocator<Link>(), Link{tape});
  }

  template <int Rank>
  const Tensor<Scalar, Rank>* gradient_at(std::size_t node) const {
    if (node == detail::no_node || entries_[node] == nullptr) return nullptr;
    const auto& leaf = static_cast<const detail::TapeLeaf<Scalar, Rank>&>(*entries_[node]);
    return leaf.arrived ? &leaf.gradient : nullptr;
  }

  // Functions that depend neither on a rank nor on a closure: each compiles once.

  void walk(const Var<Scalar, 0>& loss, GradientReceiver<Scalar>* receiver) {
    constexpr std::string_view op = "Tape::backward";
    if (state_ != TapeState::recording) {
      refuse(op, "this tape was walked already; record a new one");
    }
    if (!(loss.tape() == this && loss.requires_grad())) {
      refuse(op, "the loss was not recorded on this tape");
    }
    borrowed_.check_unchanged(op);
    Tensor<Scalar, 0> one({}, Scalar{1});
    state_ = TapeState::walked;
    add_gradient(loss.node(), loss.shape(), std::move(one));
    walk_back_to(0, receiver);
  }

  /// Runs and releases the operations from the last entry to `first`. An operation comes after the
  /// parameters that it uses: at a parameter's entry, all that use it are done.
  void walk_back_to(std::size_t first, GradientReceiver<Scalar>* receiver) {
    for (std::size_t node = entries_.size(); node-- > first;) {
      Entry& entry = *entries_[node];
      if (entry.is_operation()) {
        if (entry.arrived) entry.run_backward();
        entries_[node].reset();
      } else if (receiver != nullptr && entry.parameter != nullptr && entry.arrived) {
        receiver->receive(entry.parameter, entry.gradient_values());
        entry.release_gradient();
      }
    }
  }

  bool records() const { return state_ == TapeState::recording || state_ == TapeState::replaying; }
  bool in_forward() const {
    return state_ == TapeState::recording || state_ == TapeState::values_only;
  }

  void check_in_forward() const {
    if (!in_forward()) refuse("Tape", "this tape was walked already; record a new one");
  }

  void check_records() const {
    if (state_ == TapeState::walked) check_in_forward();
    if (!records()) {
      refuse("Tape",
             "what backward computes again may use its input, constants and parameters, but no "
             "other value whose gradient is wanted");
    }
  }

  std::size_t append(std::unique_ptr<Entry> entry) {
    entries_.push_back(std::move(entry));
    return entries_.size() - 1;
  }

  TapeSettings settings_;
  Generator* generator_ = nullptr;
  std::shared_ptr<detail::TapeLink<Scalar>> link_ = link_to(this);
  std::vector<std::unique_ptr<Entry>> entries_;
  detail::BorrowedTensors borrowed_;
  TapeState state_ = TapeState::recording;
  std::size_t parameter_uses_ = 0;  ///< calls of parameter(): recompute() asks if a part makes any
};

}  // namespace tessera
