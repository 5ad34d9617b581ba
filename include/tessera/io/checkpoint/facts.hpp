#pragma once

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/data.hpp"

namespace tessera::io {

/// Reads the facts off a checkpoint. Throws std::runtime_error naming file, tensor or key, and
/// reason where tensors that make up a model are missing or contradict each other or config.json,
/// and where a number can be none of a model.
CheckpointFacts read_facts(const Checkpoint& file);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/checkpoint/facts_impl.hpp"
#endif
