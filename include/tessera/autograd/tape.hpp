#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/autograd/var.hpp"
#include "tessera/core/tensor.hpp"

namespace tessera {

class Generator;

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
  /// The generator drives dropout and drop path; it must outlive the tape.
  explicit Tape(Generator& generator) : generator_(&generator) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Generator* generator() const { return generator_; }
  std::size_t entries() const { return entries_.size(); }

  /// An input whose gradient is wanted.
  template <int Rank>
  Var<Scalar, Rank> variable(Tensor<Scalar, Rank> value) {
    const std::size_t node = append(std::make_unique<Slot<Rank>>());
    return {std::make_shared<const Tensor<Scalar, Rank>>(std::move(value)), this, node};
  }

  /// A borrowed tensor whose gradient is wanted; the same tensor always gives the same entry.
  /// Throws std::invalid_argument if a tensor of another shape was recorded at this address.
  template <int Rank>
  Var<Scalar, Rank> parameter(const Tensor<Scalar, Rank>& value) {
    const auto known = parameters_.find(&value);
    if (known != parameters_.end()) {
      check_shape("Tape::parameter", value, known->second);
      return Var<Scalar, Rank>::borrowed(value, this, known->second.node);
    }
    const std::size_t node = append(std::make_unique<Slot<Rank>>());
    parameters_.emplace(&value, Known{node, {value.shape().begin(), value.shape().end()}});
    return Var<Scalar, Rank>::borrowed(value, this, node);
  }

  /// Appends an operation: `backward(Tensor<Scalar, Rank> gradient)` is called once, if a gradient
  /// arrives, and hands gradients on to the sinks it captured.
  template <int Rank, class Backward>
  Var<Scalar, Rank> push(std::shared_ptr<const Tensor<Scalar, Rank>> value, Backward backward) {
    const std::size_t node =
        append(std::make_unique<Operation<Rank, Backward>>(std::move(backward)));
    return {std::move(value), this, node};
  }

  /// Adds to the gradient of an entry; operations call it through GradientSink.
  template <int Rank>
  void add_gradient(std::size_t node, const Shape<Rank>& shape, Tensor<Scalar, Rank> gradient) {
    require(gradient.shape() == shape, "Tape::add_gradient", "gradient ", gradient.shape(),
            " does not match its value ", shape);
    Slot<Rank>& slot = static_cast<Slot<Rank>&>(*entries_[node]);
    if (!slot.arrived) {
      slot.gradient = std::move(gradient);
      slot.arrived = true;
    } else {
      slot.gradient.array() += gradient.array();
    }
  }

  /// Walks the entries from last to first; each is released as it is passed, so that only the
  /// gradients of variables and parameters remain. Once per tape. Throws std::invalid_argument if
  /// the loss was not recorded here, or at a second call.
  void backward(const Var<Scalar, 0>& loss) {
    require(!walked_, "Tape::backward", "this tape was walked already; record a new one");
    require(loss.tape() == this && loss.requires_grad(), "Tape::backward",
            "the loss was not recorded on this tape");
    walked_ = true;
    add_gradient(loss.node(), loss.shape(), Tensor<Scalar, 0>({}, Scalar{1}));
    for (std::size_t node = entries_.size(); node-- > 0;) {
      Entry& entry = *entries_[node];
      if (!entry.is_operation) continue;
      if (entry.arrived) entry.run();
      entries_[node].reset();
    }
  }

  /// Gradient of a variable or parameter after backward; null if none arrived.
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Var<Scalar, Rank>& of) const {
    require(of.tape() == this, "Tape::gradient", "the value belongs to another tape");
    if (!of.requires_grad() || entries_[of.node()] == nullptr) return nullptr;
    const auto& slot = static_cast<const Slot<Rank>&>(*entries_[of.node()]);
    return slot.arrived ? &slot.gradient : nullptr;
  }
  template <int Rank>
  const Tensor<Scalar, Rank>* gradient(const Tensor<Scalar, Rank>& parameter) const {
    const auto known = parameters_.find(&parameter);
    if (known == parameters_.end()) return nullptr;
    check_shape("Tape::gradient", parameter, known->second);
    const auto& slot = static_cast<const Slot<Rank>&>(*entries_[known->second.node]);
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
    bool is_operation = false;
    bool arrived = false;
  };
  template <int Rank>
  struct Slot : Entry {
    std::span<const Scalar> values() const override { return gradient.values(); }
    Tensor<Scalar, Rank> gradient;
  };
  template <int Rank, class Backward>
  struct Operation final : Slot<Rank> {
    explicit Operation(Backward f) : backward(std::move(f)) { this->is_operation = true; }
    void run() override { backward(std::move(this->gradient)); }
    Backward backward;
  };

  struct Known {
    std::size_t node;
    std::vector<Index> shape;
  };

  template <int Rank>
  static void check_shape(std::string_view op, const Tensor<Scalar, Rank>& value,
                          const Known& known) {
    require(std::equal(value.shape().begin(), value.shape().end(), known.shape.begin(),
                       known.shape.end()),
            op, "parameter ", value.shape(), " has the address of ",
            std::span<const Index>(known.shape),
            ", which was recorded before; parameters must outlive the tape");
  }

  std::size_t append(std::unique_ptr<Entry> entry) {
    require(!walked_, "Tape", "this tape was walked already; record a new one");
    entries_.push_back(std::move(entry));
    return entries_.size() - 1;
  }

  Generator* generator_ = nullptr;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_map<const void*, Known> parameters_;
  bool walked_ = false;
};

namespace detail {

template <std::floating_point Scalar, int Rank>
void for_each_var(const Var<Scalar, Rank>& input, const auto& visit) {
  visit(input.tape(), input.requires_grad());
}
template <std::floating_point Scalar, int Rank>
void for_each_var(const std::optional<Var<Scalar, Rank>>& input, const auto& visit) {
  if (input) for_each_var(*input, visit);
}
template <std::floating_point Scalar, int Rank>
void for_each_var(std::span<const Var<Scalar, Rank>> inputs, const auto& visit) {
  for (const Var<Scalar, Rank>& input : inputs) for_each_var(input, visit);
}

}  // namespace detail

/// What every operation ends with: wraps the value and, if an input wants a gradient, records
/// `backward(Tensor<Scalar, Rank> gradient)`. Inputs are Vars, optional Vars or spans of Vars.
/// Throws std::invalid_argument if they carry two different tapes.
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, std::shared_ptr<const Tensor<Scalar, Rank>> value,
                         Backward&& backward, const Inputs&... inputs) {
  Tape<Scalar>* tape = nullptr;
  bool wanted = false;
  const auto merge = [&](Tape<Scalar>* other, bool requires_grad) {
    require(tape == nullptr || other == nullptr || tape == other, op,
            "inputs are recorded on two different tapes");
    if (tape == nullptr) tape = other;
    wanted = wanted || requires_grad;
  };
  (detail::for_each_var(inputs, merge), ...);
  if (!wanted) return {std::move(value), tape};
  return tape->push(std::move(value), std::forward<Backward>(backward));
}
template <std::floating_point Scalar, int Rank, class Backward, class... Inputs>
Var<Scalar, Rank> record(std::string_view op, Tensor<Scalar, Rank> value, Backward&& backward,
                         const Inputs&... inputs) {
  return record(op, std::make_shared<const Tensor<Scalar, Rank>>(std::move(value)),
                std::forward<Backward>(backward), inputs...);
}

}  // namespace tessera
