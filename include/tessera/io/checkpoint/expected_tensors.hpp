#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// Shapes of all tensors of a model, by our names.
using ExpectedTensors = std::map<std::string, std::vector<Index>>;

inline void expect_layer(ExpectedTensors& expected, const std::string& name, Index out, Index in) {
  expected[name + ".weight"] = {out, in};
  expected[name + ".bias"] = {out};
}
inline void expect_norm(ExpectedTensors& expected, const std::string& name, Index dim) {
  expected[name + ".weight"] = expected[name + ".bias"] = {dim};
}

inline void expect_blocks(ExpectedTensors& expected, const std::string& prefix,
                          const StackShape& stack) {
  for (Index i = 0; i < stack.depth; ++i) {
    const std::string block = concat(prefix, "blocks.", i, ".");
    expect_norm(expected, block + "norm1", stack.dim);
    expect_layer(expected, block + "attn.qkv", 3 * stack.dim, stack.dim);
    if (!stack.qkv_bias) expected.erase(block + "attn.qkv.bias");
    expect_layer(expected, block + "attn.proj", stack.dim, stack.dim);
    expect_norm(expected, block + "norm2", stack.dim);
    expect_layer(expected, block + "mlp.fc1", stack.mlp_rows(), stack.dim);
    expect_layer(expected, block + "mlp.fc2", stack.dim, stack.mlp_hidden);
    if (!stack.layer_scale) continue;
    expected[block + "ls1.gamma"] = expected[block + "ls2.gamma"] = {stack.dim};
  }
}

inline void expect_encoder(ExpectedTensors& expected, const std::string& prefix,
                           const CheckpointFacts& facts) {
  const Index dim = facts.encoder->dim;
  expected[prefix + "mask_token"] = {1, 1, dim};
  if (facts.class_token) expected[prefix + "cls_token"] = {1, 1, dim};
  if (facts.reg_tokens > 0) expected[prefix + "reg_token"] = {1, facts.reg_tokens, dim};
  expected[prefix + "pos_embed"] = {1, facts.encoder->positions, dim};
  expected[prefix + "patch_embed.proj.weight"] = {dim, facts.in_chans, facts.patch_size,
                                                  facts.patch_size};
  expected[prefix + "patch_embed.proj.bias"] = {dim};
  expect_blocks(expected, prefix, *facts.encoder);
  expect_norm(expected, prefix + (facts.fc_norm ? "fc_norm" : "norm"), dim);
}

/// The tensors of a model of these facts; a predictor alone is for encoders `outer` wide.
inline ExpectedTensors expected_tensors(const CheckpointFacts& facts, Index outer = 0) {
  ExpectedTensors expected;
  if (facts.encoder) expect_encoder(expected, "encoder.", facts);
  if (facts.encoder && facts.kind == ModelKind::ijepa) {
    expect_encoder(expected, "target_encoder.", facts);
  }
  if (!facts.decoder) return expected;
  const StackShape& decoder = *facts.decoder;
  const bool predictor = facts.kind == ModelKind::ijepa || facts.kind == ModelKind::predictor;
  const std::string prefix = predictor ? "predictor." : "decoder.";
  expected[prefix + "mask_token"] = {1, 1, decoder.dim};
  expected[prefix + "pos_embed"] = {1, decoder.positions, decoder.dim};
  expect_blocks(expected, prefix, decoder);
  expect_norm(expected, prefix + "norm", decoder.dim);
  if (facts.kind == ModelKind::decoder) return expected;
  const Index dim = facts.encoder ? facts.encoder->dim : outer;
  const Index pixels = facts.patch_size * facts.patch_size * facts.in_chans;
  expect_layer(expected, predictor ? "predictor_embed" : "decoder_embed", decoder.dim, dim);
  expect_layer(expected, predictor ? "predictor_proj" : "prediction_head", predictor ? dim : pixels,
               decoder.dim);
  return expected;
}

/// A mask token is [1, D] in one code and [1, 1, D] in another.
inline bool same_token(std::span<const Index> a, std::span<const Index> b) {
  while (a.size() > 1 && a.front() == 1) a = a.subspan(1);
  while (b.size() > 1 && b.front() == 1) b = b.subspan(1);
  return std::ranges::equal(a, b);
}

inline bool same_shape(std::string_view name, std::span<const Index> a, std::span<const Index> b) {
  return name.ends_with("mask_token") ? same_token(a, b) : std::ranges::equal(a, b);
}

/// Throws std::runtime_error naming the tensor unless the file holds that model whole, as far as
/// our names begin with `part`: a conversion, which makes no model, must know. Only an encoder's
/// mask token may be missing.
inline void check_complete(const Checkpoint& file, const CheckpointFacts& facts,
                           std::string_view part = "") {
  const std::string& label = file.source.label();
  const bool alone = facts.kind == ModelKind::predictor;
  const ExpectedTensors expected =
      expected_tensors(facts, alone ? shape_of(file, "predictor_embed.weight", 2)[1] : 0);
  for (const auto& [name, shape] : expected) {
    if (!name.starts_with(part)) continue;
    const CheckpointTensor* tensor = file.find(name);
    if (tensor == nullptr && !name.ends_with("encoder.mask_token")) {
      refuse_missing(file, name);
    }
    if (tensor != nullptr && !same_shape(name, tensor->shape, shape)) {
      refuse_file(label, "tensor ", in_quotes(tensor->stored[0]), ": has shape ",
                  std::span<const Index>(tensor->shape), ", but the other tensors make it ",
                  std::span<const Index>(shape));
    }
  }
  for (const CheckpointTensor& tensor : file.tensors) {
    if (!tensor.name.starts_with(part) || expected.contains(tensor.name)) continue;
    refuse_file(label, "tensor ", in_quotes(tensor.stored[0]), ": has no place in a model of kind ",
                kind_name(facts.kind), " as the other tensors make it");
  }
}

}  // namespace tessera::io::detail
