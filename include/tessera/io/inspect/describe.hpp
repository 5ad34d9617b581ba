#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"

namespace tessera::io {

/// A weights file in words.
struct Description {
  std::string headline;  ///< one line: what it is and what it can be used for
  /// Key and value, most important first.
  std::vector<std::pair<std::string, std::string>> table;
};

/// Says what a checkpoint is, and what it is good for: nothing that loading would then refuse.
/// Throws as read_facts.
Description describe(const Checkpoint& file);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/inspect/describe_impl.hpp"
#endif
