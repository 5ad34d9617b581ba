#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/data.hpp"

namespace tessera::io {

/// The weights that `path` stands for: itself, or of a folder the one weights file in it, under the
/// names of Hugging Face or any other. Throws std::runtime_error naming the folder if it holds
/// none, or several.
std::filesystem::path find_weights(const std::filesystem::path& path);

/// Names the tensors of a source that holds one model, or several entries of a training checkpoint.
/// Throws std::runtime_error naming the file if it is no model that is known, and
/// std::invalid_argument if options.naming is not.
Checkpoint open_checkpoint(const TensorSource& all, CheckpointOptions options = {},
                           JsonValues config = JsonValues());

/// Opens a weights file as published, or the one in a folder (see open_tensors, find_weights),
/// finds out whose names it has, and reads config.json. Throws as these and read_json_values, and
/// as above.
Checkpoint open_checkpoint(const std::filesystem::path& path, CheckpointOptions options = {});

namespace detail {

/// The members of a saved module of one's own that are models, by their paths; none of a file that
/// is a model itself.
std::vector<std::string> models_inside(const Checkpoint& file);

/// The checkpoint of the only model in a saved module of one's own; nothing for a file that is a
/// model itself, which need not be copied then: its tables may be large. Throws std::runtime_error
/// naming the members if there are several.
std::optional<Checkpoint> model_inside(const Checkpoint& file);

}  // namespace detail
}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/checkpoint/checkpoint_impl.hpp"
#endif
