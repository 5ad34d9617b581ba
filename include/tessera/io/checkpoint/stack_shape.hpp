#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/nn/mlp.hpp"

namespace tessera::io {

/// Of an encoder or decoder, from the shapes of its tensors.
struct StackFacts {
  Index dim = 0;
  Index depth = 0;
  Index mlp_hidden = 0;  ///< columns of the last layer of the MLP
  Index positions = 0;   ///< rows of the position table
  bool qkv_bias = false;
  bool layer_scale = false;
  Activation activation = Activation::gelu;

  /// Rows of the first layer of the MLP: SwiGLU's makes two halves.
  Index mlp_rows() const { return activation == Activation::swiglu ? 2 * mlp_hidden : mlp_hidden; }
};

namespace detail {

/// The shape of a tensor that must be there and have that rank.
inline const std::vector<Index>& shape_of(const Checkpoint& file, const std::string& name,
                                          std::size_t rank) {
  const CheckpointTensor* tensor = file.find(name);
  if (tensor == nullptr) {
    refuse_file(file.source.label(), "tensor ", in_quotes(name), ": is missing (naming ",
                file.naming_id(), ")");
  }
  if (tensor->shape.size() != rank) {
    refuse_file(file.source.label(), "tensor ", in_quotes(tensor->stored[0]), ": has shape ",
                std::span<const Index>(tensor->shape), ", but ", name, " has ", rank,
                " dimensions");
  }
  return tensor->shape;
}

inline void require_shape(const Checkpoint& file, const std::string& name,
                          const std::vector<Index>& expected) {
  const std::vector<Index>& shape = shape_of(file, name, expected.size());
  if (shape != expected) {
    refuse_file(file.source.label(), "tensor ", in_quotes(file.find(name)->stored[0]),
                ": has shape ", std::span<const Index>(shape), ", but the other tensors make it ",
                std::span<const Index>(expected));
  }
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
inline StackFacts stack_facts(const Checkpoint& file, const std::string& prefix) {
  StackFacts facts;
  const std::vector<Index>& positions = shape_of(file, prefix + "pos_embed", 3);
  facts.positions = positions[1];
  facts.dim = positions[2];
  require_shape(file, prefix + "pos_embed", {1, facts.positions, facts.dim});
  facts.depth = block_count(file, prefix);
  const std::string first = prefix + "blocks.0.";
  facts.mlp_hidden = shape_of(file, first + "mlp.fc2.weight", 2)[1];
  const Index rows = shape_of(file, first + "mlp.fc1.weight", 2)[0];
  if (facts.dim < 1 || facts.mlp_hidden < 1) {
    refuse_file(file.source.label(), "tensor '", prefix, "pos_embed': width ", facts.dim, " with ",
                facts.mlp_hidden, " hidden values makes no model");
  }
  if (rows == 2 * facts.mlp_hidden) facts.activation = Activation::swiglu;
  facts.qkv_bias = file.contains(first + "attn.qkv.bias");
  facts.layer_scale = file.contains(first + "ls1.gamma");
  for (Index i = 0; i < facts.depth; ++i) {
    const std::string block = concat(prefix, "blocks.", i, ".");
    require_shape(file, block + "attn.qkv.weight", {3 * facts.dim, facts.dim});
    require_shape(file, block + "attn.proj.weight", {facts.dim, facts.dim});
    require_shape(file, block + "mlp.fc1.weight", {rows, facts.dim});
    require_shape(file, block + "mlp.fc2.weight", {facts.dim, facts.mlp_hidden});
  }
  return facts;
}

}  // namespace detail
}  // namespace tessera::io
