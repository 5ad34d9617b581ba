#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/metadata.hpp"

namespace tessera::io {

struct SaveOptions {
  std::optional<Dtype> dtype = std::nullopt;  ///< floats are stored as this; unset: as they are
  TensorMetadata metadata = {};               ///< more texts for the file, such as self_test()
};

namespace detail {

/// Adds the metadata of every model in a member of a module that stands at a dotted path, so that
/// each can be made again from the file.
template <class Member>
void describe_models(const std::string& path, const Member& member, TensorMetadata& metadata) {
  if constexpr (tessera::detail::is_parameter<Member>::value) {
    return;
  } else if constexpr (tessera::detail::is_optional<Member>::value) {
    if (member) describe_models(path, *member, metadata);
  } else if constexpr (tessera::detail::is_vector<Member>::value) {
    for (std::size_t i = 0; i < member.size(); ++i) {
      describe_models(concat(path, ".", i), member[i], metadata);
    }
  } else if constexpr (ModelNames<Member>::kind != ModelKind::other) {
    const std::string root = metadata_root(path);
    metadata.merge(to_metadata(hyperparameters_of(member), root));
    metadata[root + "kind"] = kind_name(ModelNames<Member>::kind);
  } else {
    Member::visit(member, [&](std::string_view part, const auto& child, const auto&...) {
      describe_models(concat(path, path.empty() ? "" : ".", part), child, metadata);
    });
  }
}

/// Writes parameters with the metadata of their models and those of the caller. Throws
/// std::invalid_argument if the latter have a key of the library's own: it would contradict the
/// model.
template <std::floating_point Scalar>
void save_parameters(const std::filesystem::path& path,
                     const std::vector<NamedParameter<const Scalar>>& parameters,
                     TensorMetadata of_models, const SaveOptions& options);

}  // namespace detail

/// Writes every parameter of a model, frozen ones included, under the names of its members as a
/// safetensors file, all or nothing (see replace_file). Settings of Tessera's models that show in
/// no tensor go along, also of those that are members of a module of one's own. Throws as
/// SafetensorsWriter, and std::invalid_argument if options.metadata has a key that the library
/// writes.
template <Module Model>
void save_weights(const std::filesystem::path& path, const Model& model,
                  const SaveOptions& options = {}) {
  TensorMetadata of_models;
  detail::describe_models("", model, of_models);
  detail::save_parameters(path, named_parameters(model), std::move(of_models), options);
}

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/weights/save_impl.hpp"
#endif
