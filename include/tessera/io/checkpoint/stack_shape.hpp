#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/recognize.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// The name that a tensor of ours would have in a file of our own: an encoder or decoder alone
/// stands at the top.
inline std::string own_name(const Checkpoint& file, const std::string& ours) {
  for (const CheckpointTensor& tensor : file.tensors) {
    const std::string& stored = tensor.stored[0];
    if (tensor.name.size() <= stored.size() || !tensor.name.ends_with(stored)) continue;
    const std::size_t prefix = tensor.name.size() - stored.size();
    return ours.starts_with(tensor.name.substr(0, prefix)) ? ours.substr(prefix) : ours;
  }
  return ours;
}

/// The name that a tensor of ours would have in this file, where it is missing: that of the section
/// of its naming which explains most of the file.
inline std::string their_name(const Checkpoint& file, const std::string& ours) {
  if (file.naming == nullptr) return own_name(file, ours);
  std::set<std::string> patterns;
  for (const CheckpointTensor& tensor : file.tensors) {
    for (const std::string& stored : tensor.stored) {
      patterns.insert(without_number(unwrapped(stored)).first);
    }
  }
  const auto numbered = without_number(ours);
  const auto& pattern = numbered.first;  // no binding: clang 14 captures none
  const auto& number = numbered.second;
  std::string best = ours;
  Index best_count = -1;
  for (const NameSection& section : file.naming->sections) {
    std::string candidate;
    Index count = 0;
    visit_names(section, [&](const std::string& theirs, const std::string& our_pattern,
                             const NamePair&, const std::string&) {
      if (our_pattern == pattern && candidate.empty()) candidate = with_number(theirs, number);
      if (patterns.contains(theirs)) ++count;
    });
    if (candidate.empty() || count <= best_count) continue;
    best = candidate;
    best_count = count;
  }
  return best;
}

[[noreturn]] inline void refuse_missing(const Checkpoint& file, const std::string& name) {
  refuse_file(file.source.label(), "tensor ", in_quotes(their_name(file, name)),
              ": is missing (naming ", file.naming_id(), ")");
}

/// The shape of a tensor that must be there and have that rank.
inline const std::vector<Index>& shape_of(const Checkpoint& file, const std::string& name,
                                          std::size_t rank) {
  const CheckpointTensor* tensor = file.find(name);
  if (tensor == nullptr) refuse_missing(file, name);
  if (tensor->shape.size() != rank) {
    refuse_file(file.source.label(), "tensor ", in_quotes(tensor->stored[0]), ": has shape ",
                std::span<const Index>(tensor->shape), ", but must have ", rank, " dimensions");
  }
  return tensor->shape;
}

inline void require_shape(const Checkpoint& file, const std::string& name,
                          const std::vector<Index>& expected) {
  const std::vector<Index>& shape = shape_of(file, name, expected.size());
  if (shape == expected) return;
  refuse_file(file.source.label(), "tensor ", in_quotes(file.find(name)->stored[0]), ": has shape ",
              std::span<const Index>(shape), ", but the other tensors make it ",
              std::span<const Index>(expected));
}

/// Throws unless every extent of a tensor is positive: a tensor without bytes decides no size.
inline void require_values(const Checkpoint& file, const std::string& name) {
  const CheckpointTensor& tensor = *file.find(name);
  if (std::ranges::all_of(tensor.shape, [](Index extent) { return extent > 0; })) return;
  refuse_file(file.source.label(), "tensor ", in_quotes(tensor.stored[0]), ": has shape ",
              std::span<const Index>(tensor.shape), ", which holds no value");
}

/// One more than the highest number of a block behind a prefix: gaps count.
inline Index block_count(const Checkpoint& file, const std::string& prefix) {
  const std::string blocks = prefix + "blocks.";
  Index count = 0;
  for (const CheckpointTensor& tensor : file.tensors) {
    if (!tensor.name.starts_with(blocks)) continue;
    Index number = 0;
    std::from_chars(tensor.name.data() + blocks.size(), tensor.name.data() + tensor.name.size(),
                    number);
    count = std::max(count, number + 1);
  }
  return count;
}

/// The blocks behind a prefix. Every large tensor of every block must be there, so that no model is
/// made that the file could not fill.
inline StackShape stack_shape(const Checkpoint& file, const std::string& prefix) {
  StackShape stack;
  const std::vector<Index>& positions = shape_of(file, prefix + "pos_embed", 3);
  stack.positions = positions[1];
  stack.dim = positions[2];
  require_shape(file, prefix + "pos_embed", {1, stack.positions, stack.dim});
  require_values(file, prefix + "pos_embed");
  stack.depth = block_count(file, prefix);
  const std::string first = prefix + "blocks.0.";
  stack.mlp_hidden = shape_of(file, first + "mlp.fc2.weight", 2)[1];
  require_values(file, first + "mlp.fc2.weight");
  const Index rows = shape_of(file, first + "mlp.fc1.weight", 2)[0];
  stack.gated = rows == 2 * stack.mlp_hidden;
  stack.qkv_bias = file.contains(first + "attn.qkv.bias");
  stack.layer_scale = file.contains(first + "ls1.gamma");
  for (Index i = 0; i < stack.depth; ++i) {
    const std::string block = concat(prefix, "blocks.", i, ".");
    require_shape(file, block + "attn.qkv.weight", {3 * stack.dim, stack.dim});
    require_shape(file, block + "attn.proj.weight", {stack.dim, stack.dim});
    require_shape(file, block + "mlp.fc1.weight", {rows, stack.dim});
    require_shape(file, block + "mlp.fc2.weight", {stack.dim, stack.mlp_hidden});
  }
  return stack;
}

/// The ratio of an MLP: the width times it, rounded down, gives the width of the MLP again.
inline double mlp_ratio(const StackShape& stack) {
  const auto dim = static_cast<double>(stack.dim);
  const double ratio = static_cast<double>(stack.mlp_hidden) / dim;
  return static_cast<Index>(dim * ratio) == stack.mlp_hidden
             ? ratio
             : std::nextafter(ratio, static_cast<double>(stack.mlp_hidden) + 1);
}

}  // namespace tessera::io::detail
