#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/data/hash.hpp"

namespace tessera::data {

/// A data set in three numbers. A run saves it, so that it notices when it is resumed on other
/// data.
struct Fingerprint {
  Index count = 0;                        ///< samples
  std::uint64_t bytes = 0;                ///< of all samples as they are stored
  std::uint64_t names = hash_text_start;  ///< hash of their names, sizes and labels, in order

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

  /// Takes one more sample into account.
  void add(std::string_view name, std::uint64_t size, Index label) {
    ++count;
    bytes += size;
    names = hash_text(name, names);
    // Mixed behind each name, so that "a1", 1 and "a", 11 cannot be mistaken for each other.
    names = hash_of({names, size, static_cast<std::uint64_t>(label)});
  }
};

/// Says how the data of now differ from those of then; "" if they do not.
inline std::string difference(const Fingerprint& then, const Fingerprint& now) {
  if (then == now) return "";
  std::string text = "the data have changed: ";
  if (then.count != now.count) {
    append_text(text, then.count);
    text += " samples then, ";
    append_text(text, now.count);
    text += " now";
  } else if (then.bytes != now.bytes) {
    append_text(text, then.bytes);
    text += " bytes then, ";
    append_text(text, now.bytes);
    text += " now";
  } else {
    text += "names, sizes or labels are others, though count and bytes are equal";
  }
  return text;
}

}  // namespace tessera::data
