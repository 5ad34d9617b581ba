#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/io/files.hpp"
#include "support/io/zip.hpp"
#include "tessera/io/torch/pickle_reader.hpp"

namespace tessera::io::test {

// Opcodes as text, to be joined.

inline std::string p_text(std::string_view text) {
  return "X" + number_bytes(static_cast<std::uint32_t>(text.size())) + std::string(text);
}
inline std::string p_int(std::int64_t value) { return "\x8A\x08" + number_bytes(value); }
inline std::string p_global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
/// The numbers as a tuple.
inline std::string p_tuple(const std::vector<std::int64_t>& values) {
  std::string text = "(";
  for (const std::int64_t value : values) text += p_int(value);
  return text + "t";
}
inline std::string p_storage(std::string_view type, std::string_view key, std::int64_t count) {
  return "(" + p_text("storage") + p_global("torch", type) + p_text(key) + p_text("cpu") +
         p_int(count) + "tQ";
}
inline std::string p_tensor(const std::string& storage, std::int64_t offset,
                            const std::vector<std::int64_t>& shape,
                            const std::vector<std::int64_t>& strides) {
  return p_global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + p_int(offset) +
         p_tuple(shape) + p_tuple(strides) + "\x89" + p_global("collections", "OrderedDict") +
         ")RtR";
}
/// A whole pickle of these opcodes.
inline std::string p_whole(const std::string& opcodes) { return "\x80\x02" + opcodes + "."; }

}  // namespace tessera::io::test
