#pragma once

#include <vector>

#include "tessera/core/threads/execution.hpp"

namespace tessera::test {

/// Every instruction set of this machine, lowest first.
inline std::vector<Isa> every_isa() {
  std::vector<Isa> found;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(machine_isa()); ++i) {
    found.push_back(static_cast<Isa>(i));
  }
  return found;
}

}  // namespace tessera::test
