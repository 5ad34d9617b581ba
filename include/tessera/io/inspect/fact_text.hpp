#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/text/json_text.hpp"

namespace tessera::io::detail {

template <class T>
std::string known_text(const Known<T>& fact, std::string_view option) {
  if (!fact.value) return concat("not told by the file: give ", option);
  std::string text;
  if constexpr (std::is_same_v<T, bool>) {
    text = *fact.value ? "yes" : "no";
  } else if constexpr (std::is_same_v<T, double>) {
    text = number_text(*fact.value);
  } else {
    text = concat(*fact.value);
  }
  return concat(text, " (", fact.from, ")");
}

inline std::string million_text(Index count) {
  if (count < 1'000'000) return std::to_string(count);
  return concat(count, " (", static_cast<double>(count / 10'000) / 100, " million)");
}

/// "F32", or "F32 (150), I64 (1)".
inline std::string dtypes_text(const Checkpoint& file) {
  std::map<std::string_view, Index> counts;
  for (const CheckpointTensor& tensor : file.tensors) {
    for (const std::string& stored : tensor.stored) {
      ++counts[dtype_name(file.source.tensor(stored).dtype)];
    }
  }
  std::string text;
  for (const auto& [name, count] : counts) {
    text +=
        concat(text.empty() ? "" : ", ", name, counts.size() > 1 ? concat(" (", count, ")") : "");
  }
  return text;
}

inline Index value_count(const Checkpoint& file, std::string_view prefix) {
  Index count = 0;
  for (const CheckpointTensor& tensor : file.tensors) {
    if (!tensor.name.starts_with(prefix)) continue;
    for (const std::string& stored : tensor.stored) {
      count += file.source.tensor(stored).element_count();
    }
  }
  return count;
}

inline std::string stack_text(const StackShape& stack) {
  return concat("width ", stack.dim, ", ", stack.depth, " blocks, MLP ", stack.mlp_hidden,
                stack.gated ? " SwiGLU" : "", stack.layer_scale ? ", LayerScale" : "",
                stack.qkv_bias ? "" : ", no qkv bias");
}

}  // namespace tessera::io::detail
