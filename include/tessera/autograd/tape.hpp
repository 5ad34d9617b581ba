#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/autograd/var.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/kernels/arithmetic.hpp"

namespace tessera {

class Generator;

struct TapeSettings {
  /// Transformer blocks keep what they were given and nothing else; backward computes them again,
  /// one at a time, to the same bits. Less memory for about a third more time. Chen et al.,
  /// "Training deep nets with sublinear memory cost", 2016.
  bool recompute_blocks = false;
};

/// The list of what was computed, in order, each entry with a closure for its gradient. It
/// travels with the data (see Var): what is computed from a Var that carries a tape is recorded
/// there. Gradients live here, so models stay const and may be shared between threads; a tape
/// belongs to one thread. It borrows parameters by address: they must not move before the
/// optimiser's step.
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

  const TapeSettings& settings() const { return settings_; }
  Generator* generator() const { return generator_; }
  std::size_t entries() const { return entries_.size(); }

  /// An input whose gradient is wanted.
  template <int Rank>
  Var<Scalar, Rank> variable(Tensor<Scalar, Rank> value) {
    check_recording();
    const std::size_t node = append(new Slot<Rank>());
    return {detail::share(std::move(value)), this, node};
  }

  /// A borrowed tensor whose gradient is wanted; the same tensor always gives the same entry.
  /// Throws std::invalid_argument if a tensor of another shape was recorded at this address.
  template <int Rank>
  Var<Scalar, Rank> parameter(const Tensor<Scalar, Rank>& value) {
    const void* key = &value;
    const Known* known = find("Tape::parameter", key, value.shape());
    if (known == nullptr) check_not_walked();
    const std::size_t node = known ? known->node : append(new Slot<Rank>());
    if (known == nullptr) remember(key, node, value.shape());
    if (!recording_) {
      left_out_parameter_ = true;
      return Var<Scalar, Rank>::borrowed(value, this);
    }
    return Var<Scalar, Rank>::borrowed(value, this, node);
  }

  /// Appends an operation: `backward(Tensor<Scalar, Rank> gradient)` is called once, if a gradient
  /// arrives, and hands gradients on to the sinks it captured.
  template <int Rank, class Backward>
  Var<Scalar, Rank> push(std::shared_ptr<const Tensor<Scalar, Rank>> value, Backward&& backward) {
    check_recording();
    using Recorded = Operation<Rank, std::remove_cvref_t<Backward>>;
    const std::size_t node = append(new Recorded(std::forward<Backward>(backward)));
    return {std::move(value), this, node};
  }

  /// Adds to the gradient of an entry; operations call it through GradientSink.
  template <int Rank>
  void add_gradient(std::size_t node, const Shape<Rank>& shape, Tensor<Scalar, Rank> gradient) {
    if (gradient.shape() != shape) {
      refuse("Tape::add_gradient", "gradient ", gradient.shape(), " does not match its value ",
             shape);
    }
    Slot<Rank>& slot = static_cast<Slot<Rank>&>(*entries_[node]);
    if (!slot.arrived) {
      slot.gradient = std::move(gradient);
      slot.arrived = true;
    } else {
      kernels::add<Scalar>(slot.gradient.data(), gradient.data(), slot.gradient.data(),
                           gradient.size());
    }
  }

  /// Walks the entries from last to first; each is released as it is passed, so that only the
  /// gradients of variables and parameters remain. Once per tape. Throws std::invalid_argument if
  /// the loss was not recorded here, or at a second call.
  void backward(const Var<Scalar, 0>& loss) { walk(loss, nullptr, nullptr); }

  /// The same, but `take(address, std::span<const Scalar> gradient)` gets the gradient of each
  /// parameter as soon as it is complete and nothing that is left of backward reads the parameter,
  /// which may then change. The gradient is released at once, so the tape keeps none of a
  /// parameter.
  template <class Take>
  void backward(const Var<Scalar, 0>& loss, const Take& take) {
    walk(
        loss,
        [](const void* taker, const void* parameter, std::span<const Scalar> gradient) {
          (*static_cast<const Take*>(taker))(parameter, gradient);
        },
        &take);
  }

  /// False within without_recording.
  bool recording() const { return recording_; }

  /// Calls f(), in which parameters are constants. Returns whether the gradient of one of them
  /// would have been wanted. An operation that would be recorded all the same throws
  /// std::invalid_argument. For recompute().
  template <class F>
  bool without_recording(const F& f) {
    const Restore recording(recording_, false);
    const Restore left_out(left_out_parameter_, false);
    f();
    return left_out_parameter_;
  }

  /// Within backward: records f(), sends `gradient` through it and forgets it again. Throws
  /// std::invalid_argument if f uses a parameter that this tape does not know. For recompute().
  template <int Rank, class F>
  void replay(const F& f, Tensor<Scalar, Rank> gradient) {
    const Restore replaying(replaying_, true);
    const Truncate forget(entries_);
    const GradientSink<Scalar, Rank> result = f().gradient();
    result.add(std::move(gradient));
    walk_back_to(forget.size);
  }

  /// Gradient of a variable or parameter after backward; null if none arrived.
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Var<Scalar, Rank>& of) const {
    if (of.tape() != this) refuse("Tape::gradient", "the value belongs to another tape");
    if (!of.requires_grad() || entries_[of.node()] == nullptr) return nullptr;
    const auto& slot = static_cast<const Slot<Rank>&>(*entries_[of.node()]);
    return slot.arrived ? &slot.gradient : nullptr;
  }
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Tensor<Scalar, Rank>& parameter) const {
    const Known* known = find("Tape::gradient", &parameter, parameter.shape());
    if (known == nullptr) return nullptr;
    const auto& slot = static_cast<const Slot<Rank>&>(*entries_[known->node]);
    return slot.arrived ? &slot.gradient : nullptr;
  }

  /// Gradient of the parameter at this address as flat values; empty if none arrived.
  std::span<const Scalar> gradient_values(const void* parameter) const {
    const auto known = parameters_.find(parameter);
    if (known == parameters_.end() || !entries_[known->second.node]->arrived) return {};
    return entries_[known->second.node]->values();
  }
  std::span<Scalar> gradient_values(const void* parameter) {
    const std::span<const Scalar> values = std::as_const(*this).gradient_values(parameter);
    return {const_cast<Scalar*>(values.data()), values.size()};  // the tape owns them
  }

  /// Whether the tensor at this address was used as a parameter.
  bool knows(const void* parameter) const { return parameters_.contains(parameter); }

  /// How many different parameters were used.
  Index parameter_count() const { return static_cast<Index>(parameters_.size()); }

 private:
  struct Entry {
    virtual ~Entry() = default;
    virtual void run() {}
    virtual std::span<const Scalar> values() const = 0;
    virtual void release() = 0;
    const void* parameter = nullptr;  // whose gradient this is
    bool is_operation = false;
    bool arrived = false;
  };
  template <int Rank>
  struct Slot : Entry {
    std::span<const Scalar> values() const override { return gradient.values(); }
    void release() override {
      gradient = Tensor<Scalar, Rank>();
      this->arrived = false;
    }
    Tensor<Scalar, Rank> gradient;
  };
  template <int Rank, class Backward>
  struct Operation final : Slot<Rank> {
    template <class F>
    explicit Operation(F&& f) : backward(std::forward<F>(f)) {
      this->is_operation = true;
    }
    [[gnu::noinline]] ~Operation() override = default;  // or it is compiled twice
    void run() override { backward(std::move(this->gradient)); }
    Backward backward;
  };

  struct Known {
    std::size_t node;
    std::vector<Index> shape;
  };

  /// Puts a value back at the end of a scope.
  struct Restore {
    Restore(bool& of, bool value) : place(of), former(std::exchange(of, value)) {}
    Restore(const Restore&) = delete;
    Restore& operator=(const Restore&) = delete;
    ~Restore() { place = former; }
    bool& place;
    bool former;
  };
  /// Takes out what was appended within a scope.
  struct Truncate {
    explicit Truncate(std::vector<std::unique_ptr<Entry>>& of) : entries(of), size(of.size()) {}
    Truncate(const Truncate&) = delete;
    Truncate& operator=(const Truncate&) = delete;
    ~Truncate() { entries.resize(size); }
    std::vector<std::unique_ptr<Entry>>& entries;
    std::size_t size;
  };

  // What does not depend on a rank or a closure is a function without them: it compiles once.

  /// The parameter recorded at this address, or null.
  const Known* find(std::string_view op, const void* key, std::span<const Index> shape) const {
    const auto found = parameters_.find(key);
    if (found == parameters_.end()) return nullptr;
    const Known& known = found->second;
    if (!std::equal(shape.begin(), shape.end(), known.shape.begin(), known.shape.end())) {
      refuse(op, "parameter ", shape, " has the address of ", std::span<const Index>(known.shape),
             ", which was recorded before; parameters must outlive the tape");
    }
    return &known;
  }

  void remember(const void* key, std::size_t node, std::span<const Index> shape) {
    parameters_.emplace(key, Known{node, {shape.begin(), shape.end()}});
    entries_[node]->parameter = key;
  }

  using Taker = void (*)(const void* taker, const void* parameter, std::span<const Scalar>);

  void walk(const Var<Scalar, 0>& loss, Taker take, const void* taker) {
    if (walked_) refuse("Tape::backward", "this tape was walked already; record a new one");
    if (!(loss.tape() == this && loss.requires_grad())) {
      refuse("Tape::backward", "the loss was not recorded on this tape");
    }
    walked_ = true;
    add_gradient(loss.node(), loss.shape(), Tensor<Scalar, 0>({}, Scalar{1}));
    walk_back_to(0, take, taker);
  }

  /// Runs and releases the operations from the last entry to `first`. An operation comes after the
  /// parameters that it uses: at a parameter's entry, all that use it are done.
  void walk_back_to(std::size_t first, Taker take = nullptr, const void* taker = nullptr) {
    for (std::size_t node = entries_.size(); node-- > first;) {
      Entry& entry = *entries_[node];
      if (entry.is_operation) {
        if (entry.arrived) entry.run();
        entries_[node].reset();
      } else if (take != nullptr && entry.parameter != nullptr && entry.arrived) {
        take(taker, entry.parameter, entry.values());
        entry.release();
      }
    }
  }

  void check_not_walked() const {
    if (walked_) refuse("Tape", "this tape was walked already; record a new one");
  }

  void check_recording() const {
    if (!replaying_) check_not_walked();
    if (!recording_) {
      refuse("Tape",
             "what backward computes again may use its input, constants and parameters, but no "
             "other value whose gradient is wanted");
    }
  }

  /// Takes ownership.
  std::size_t append(Entry* entry) {
    std::unique_ptr<Entry> owned(entry);
    entries_.push_back(std::move(owned));
    return entries_.size() - 1;
  }

  TapeSettings settings_;
  Generator* generator_ = nullptr;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_map<const void*, Known> parameters_;
  bool walked_ = false;
  bool replaying_ = false;
  bool recording_ = true;
  bool left_out_parameter_ = false;  // since without_recording began
};

namespace detail {

/// The tape that the inputs of an operation carry, and whether one of them wants a gradient.
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

}  // namespace detail

/// What every operation ends with: wraps the value and, if an input wants a gradient, records
/// `backward(Tensor<Scalar, Rank> gradient)`. Inputs are Vars, optional Vars or spans of Vars.
/// Throws std::invalid_argument if they carry two different tapes.
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, std::shared_ptr<const Tensor<Scalar, Rank>> value,
                         Backward&& backward, const Inputs&... inputs) {
  detail::Recording<Scalar> recording{op};
  (recording.add(inputs), ...);
  if (!recording.wanted) return {std::move(value), recording.tape};
  return recording.tape->push(std::move(value), std::forward<Backward>(backward));
}
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, Tensor<Scalar, Rank>&& value, Backward&& backward,
                         const Inputs&... inputs) {
  return record(op, detail::share(std::move(value)), std::forward<Backward>(backward), inputs...);
}

}  // namespace tessera
