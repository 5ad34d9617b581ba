#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/shape.hpp"
#include "tessera/io/file/file.hpp"

namespace tessera::run {

struct RunFolderOptions {
  Index keep = 2;        ///< the newest saves that are kept, at least 1
  Index keep_every = 0;  ///< saves at multiples of this step are kept as well; 0: none
};

/// A whole save of a run.
struct Save {
  Index step = 0;
  std::filesystem::path folder;
};

/// A save that cannot be used, and why.
struct DamagedSave {
  std::filesystem::path folder;
  std::string reason;
};

/// Where a run lives:
///
///     runs/mae/lock                      held while a process writes to the run
///     runs/mae/saves/000000001000/       one folder for each save, named by its step
///         weights.safetensors ...        whatever the run puts there
///         complete.json                  size and CRC-32 of each of these files
///
/// A save is made under another name, written through to the disk, and appears by one rename: it is
/// there whole or not at all, whenever the process is killed. Saves that are not what complete.json
/// says are passed over, and named, never removed; they do not count among those that are kept.
class RunFolder {
 public:
  /// Makes the folder if it is not there. Throws std::runtime_error "folder: reason" if that fails,
  /// or another process writes to this run.
  explicit RunFolder(std::filesystem::path path, const RunFolderOptions& options = {});

  const std::filesystem::path& path() const { return path_; }

  /// Calls write(folder), which puts files into that folder, and makes them the save of `step`;
  /// then removes saves that need not be kept. A whole save of that step stays as it is: a run is a
  /// function of its step. On any error the former saves are as they were.
  void save(Index step, const std::function<void(const std::filesystem::path& folder)>& write);

  /// The newest save that is whole; none in a new run. damaged() then has the newer ones that are
  /// not. Throws std::runtime_error if a save is of a newer format than this library knows: to go
  /// back to an older one would lose work.
  std::optional<Save> newest();

  /// The folder that the save of a step has, or would have.
  std::filesystem::path folder_of(Index step) const;

  const std::vector<DamagedSave>& damaged() const { return damaged_; }

 private:
  std::filesystem::path saves() const { return path_ / "saves"; }
  std::vector<Save> all_saves() const;
  void remove_old();

  std::filesystem::path path_;
  RunFolderOptions options_;
  io::detail::Descriptor lock_;
  std::vector<DamagedSave> damaged_;
};

}  // namespace tessera::run

#ifndef TESSERA_COMPILED_LIB
#include "tessera/run/run_folder_impl.hpp"
#endif
