#pragma once

#include <utility>

#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/weights/export.hpp"
#include "tessera/io/weights/rename.hpp"
#include "tessera/io/weights/save_impl.hpp"

namespace tessera::io::detail {

TESSERA_INLINE void check_naming(std::string_view naming_id) { (void)find_naming(naming_id); }

template <std::floating_point Scalar>
ExportReport export_tensors(const std::filesystem::path& path,
                            const std::vector<NamedTensor<Scalar>>& tensors,
                            std::string_view naming_id, const ModelShape& shape,
                            const Hyperparameters& settings, const SaveOptions& options) {
  const Naming& naming = find_naming(naming_id);
  TensorNamer<Scalar> namer(naming, shape);
  SafetensorsWriter file;
  ExportReport report = namer.add_to(file, tensors);
  TensorMetadata metadata = options.metadata;
  if (namer.moves_positions()) drop_self_test(metadata);
  add_metadata(file, to_metadata(settings), naming.id, std::move(metadata));
  file.write(path);
  return report;
}

}  // namespace tessera::io::detail
