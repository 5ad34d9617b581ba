#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tessera/autograd/var.hpp"
#include "tessera/core/checked.hpp"

namespace tessera::detail {

/// A tensor of any rank and scalar as it stands in memory.
struct TensorView {
  std::span<const Index> shape;
  std::span<const std::byte> bytes;
};

template <class Scalar, int Rank>
TensorView view_of(const Tensor<Scalar, Rank>& tensor) {
  return {tensor.shape(), std::as_bytes(tensor.values())};
}

/// A number that other values hardly have: made of all bytes, or of eight at four places.
inline std::uint64_t fingerprint(std::span<const std::byte> bytes, bool of_all) {
  constexpr std::size_t word_size = sizeof(std::uint64_t);
  const auto mixed = [&](std::uint64_t hash, std::size_t at) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(word_size, bytes.size() - at));
    return (hash ^ word) * 0x9e3779b97f4a7c15U + (hash >> 29);  // an odd number of mixed bits
  };
  std::uint64_t hash = bytes.size();
  if (bytes.empty()) return hash;
  const std::size_t last = bytes.size() - std::min(word_size, bytes.size());
  if (of_all) {
    for (std::size_t at = 0; at < bytes.size(); at += word_size) hash = mixed(hash, at);
  } else {
    for (const std::size_t at : {std::size_t{0}, last / 3, last - last / 3, last}) {
      hash = mixed(hash, at);
    }
  }
  return hash;
}

/// The tensors that a tape refers to without owning them: parameters, and frozen ones, which want
/// no gradient. Backward reads them again, so they must be then what they were in forward.
class BorrowedTensors {
 public:
  struct Record {
    const void* tensor;
    TensorView (*view)(const void* tensor);  ///< reads the tensor, whose type only this knows
    std::size_t node;                        ///< no_node for a frozen one
    std::vector<Index> shape;
    const std::byte* memory;
    std::uint64_t values;  ///< fingerprint
  };

  /// By default a fingerprint is made of all values in checked builds, of some in others.
  explicit BorrowedTensors(bool of_all_values = checked_build) : of_all_values_(of_all_values) {}

  /// The record of the tensor at this address, or null. Throws std::invalid_argument in the name
  /// of `op` if it is that of another shape.
  const Record* find(std::string_view op, const void* tensor, std::span<const Index> shape) const {
    const auto found = places_.find(tensor);
    if (found == places_.end()) return nullptr;
    const Record& record = records_[found->second];
    if (!std::ranges::equal(shape, record.shape)) {
      refuse(op, "parameter ", shape, " has the address of ", std::span<const Index>(record.shape),
             ", which was recorded before; parameters must outlive the tape");
    }
    return &record;
  }

  /// The node of the parameter at this address, or no_node.
  std::size_t node_of(const void* tensor) const {
    const auto found = places_.find(tensor);
    return found == places_.end() ? no_node : records_[found->second].node;
  }

  /// Remembers a tensor as it is now, or gives one that was frozen a node.
  template <class Scalar, int Rank>
  void add(const Tensor<Scalar, Rank>& tensor, std::size_t node) {
    add(
        &tensor,
        [](const void* address) {
          return view_of(*static_cast<const Tensor<Scalar, Rank>*>(address));
        },
        node);
  }

  /// Takes over the record that another tape made of a tensor, with a node of this tape.
  void add(const Record& record, std::size_t node) { add(record.tensor, record.view, node); }

  const std::vector<Record>& records() const { return records_; }

  /// Number of tensors that have a node.
  Index with_node() const { return with_node_; }

  /// Throws std::invalid_argument in the name of `op`, and says which tensor it is, if one has
  /// other memory or other values than when it was recorded.
  void check_unchanged(std::string_view op) const {
    for (const Record& record : records_) {
      const TensorView now = record.view(record.tensor);
      if (now.bytes.data() != record.memory || !std::ranges::equal(now.shape, record.shape)) {
        refuse_changed(op, record,
                       " is not where it was in forward: its model was moved, packed, loaded or "
                       "destroyed in between; call backward before that");
      }
      if (fingerprint(now.bytes, of_all_values_) != record.values) {
        refuse_changed(op, record,
                       " has other values than in forward: its model was stepped, assigned, "
                       "initialized or loaded in between; call backward before that, or record "
                       "again");
      }
    }
  }

 private:
  void add(const void* tensor, TensorView (*view)(const void*), std::size_t node) {
    const auto [place, is_new] = places_.emplace(tensor, records_.size());
    if (is_new) {
      const TensorView now = view(tensor);
      records_.push_back({tensor,
                          view,
                          no_node,
                          {now.shape.begin(), now.shape.end()},
                          now.bytes.data(),
                          fingerprint(now.bytes, of_all_values_)});
    }
    Record& record = records_[place->second];
    if (record.node == no_node && node != no_node) {
      record.node = node;
      ++with_node_;
    }
  }

  [[noreturn, gnu::cold]] void refuse_changed(std::string_view op, const Record& record,
                                              std::string_view reason) const {
    refuse(op, "parameter ", &record - records_.data() + 1, " of ", records_.size(),
           ", in the order of their first use, ", std::span<const Index>(record.shape), ",",
           reason);
  }

  bool of_all_values_;
  std::vector<Record> records_;
  std::unordered_map<const void*, std::size_t> places_;
  Index with_node_ = 0;
};

}  // namespace tessera::detail
