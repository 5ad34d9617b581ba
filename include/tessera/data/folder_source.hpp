#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tessera/data/image_names.hpp"
#include "tessera/data/image_source.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/read.hpp"

namespace tessera::data {

/// Where the labels of a folder of pictures come from.
enum class FolderLabels {
  none,     ///< no sample has one
  folders,  ///< the first folder on the way to a picture is its class, as torchvision's ImageFolder
  folders_if_any  ///< folders, if every picture lies in one; none otherwise
};

struct FolderOptions {
  FolderLabels labels = FolderLabels::folders_if_any;
  /// Follows symbolic links that lead out of the folder. They are refused otherwise: a data set
  /// should not change because something elsewhere did.
  bool links_out_of_folder = false;
};

/// The pictures at and below a folder: files that end in .jpg, .jpeg, .png or .webp, in small or
/// capital letters. They are listed once, sorted by the bytes of their path, which is one order on
/// every system. Files and folders whose names begin with a dot are passed over.
class FolderSource final : public ImageSource {
 public:
  /// Throws std::runtime_error "folder: reason" if there is no such folder, it holds no picture, a
  /// picture lies in no class folder where FolderLabels::folders asks for one, or a link leads out.
  explicit FolderSource(std::filesystem::path folder, const FolderOptions& options = {})
      : folder_(std::move(folder)) {
    list(options);
    std::sort(files_.begin(), files_.end(),
              [](const File& a, const File& b) { return a.name < b.name; });
    if (files_.empty()) {
      io::refuse_file(folder_.string(), "holds no picture (.jpg, .jpeg, .png or .webp)");
    }
    set_labels(options.labels);
    for (const File& file : files_) fingerprint_.add(file.name, file.bytes, file.label);
  }

  Index size() const override { return static_cast<Index>(files_.size()); }
  io::Image image(Index index) const override {
    const std::filesystem::path path = folder_ / at(index).name;
    return detail::decoded_or_broken(io::read_file(path, most_bytes), path.string());
  }
  Index label(Index index) const override { return at(index).label; }
  /// The path within the folder, with slashes.
  std::string name(Index index) const override { return at(index).name; }
  const std::vector<std::string>& classes() const override { return classes_; }
  const Fingerprint& fingerprint() const override { return fingerprint_; }

 private:
  struct File {
    std::string name;
    std::uint64_t bytes = 0;
    Index label = no_label;
  };

  static constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;  // as io::read_image

  const File& at(Index index) const { return files_[static_cast<std::size_t>(index)]; }

  void list(const FolderOptions& options) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    if (error) io::refuse_file(folder_.string(), "cannot be opened: ", error.message());
    if (!fs::is_directory(root)) io::refuse_file(folder_.string(), "is not a folder");

    const auto follow = fs::directory_options::follow_directory_symlink;
    std::set<fs::path> linked;  // folders that a link led to
    fs::recursive_directory_iterator entry(folder_, follow, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      const fs::path& path = entry->path();
      std::error_code unknown;  // of a link that leads nowhere, for instance
      const bool is_folder = entry->is_directory(unknown);
      if (path.filename().string().starts_with('.')) {
        if (is_folder) entry.disable_recursion_pending();
        continue;
      }
      if (!is_folder && !detail::is_image_name(path.filename().string())) continue;
      if (entry->is_symlink(unknown)) {
        const fs::path target = checked_target(path, root, is_folder, options.links_out_of_folder);
        if (is_folder && !linked.insert(target).second) {
          io::refuse_file(path.string(), "is a second link to the folder ", target.string());
        }
      }
      if (is_folder) continue;
      if (!entry->is_regular_file(unknown)) {
        io::refuse_file(path.string(), "is not a regular file");
      }
      const std::uintmax_t bytes = entry->file_size(unknown);
      if (unknown) io::refuse_file(path.string(), "cannot be read: ", unknown.message());
      files_.push_back({path.lexically_relative(folder_).generic_string(), bytes});
    }
    if (error) io::refuse_file(folder_.string(), "cannot be listed: ", error.message());
  }

  /// Where a link leads. A link to a folder of the set itself would list its pictures twice, or for
  /// ever; a link out of the folder must be wanted.
  static std::filesystem::path checked_target(const std::filesystem::path& link,
                                              const std::filesystem::path& root, bool is_folder,
                                              bool links_out_of_folder) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path target = fs::canonical(link, error);
    if (error) io::refuse_file(link.string(), "is a link that leads nowhere: ", error.message());
    const auto within = [](const fs::path& path, const fs::path& folder) {
      return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
             folder.end();
    };
    if (is_folder && (within(target, root) || within(root, target))) {
      io::refuse_file(link.string(), "is a link to a folder of the set itself, ", target.string());
    }
    if (!links_out_of_folder && !within(target, root)) {
      io::refuse_file(link.string(), "is a link out of the folder, to ", target.string(),
                      "; FolderOptions::links_out_of_folder follows it");
    }
    return target;
  }

  /// The classes are the first folders on the way to the pictures, in the order of the pictures:
  /// sorted by their bytes, as torchvision sorts them.
  void set_labels(FolderLabels labels) {
    if (labels == FolderLabels::none) return;
    for (const File& file : files_) {
      if (file.name.find('/') != std::string::npos) continue;
      if (labels == FolderLabels::folders_if_any) return;
      io::refuse_file(folder_.string(), "picture ", file.name, " lies in no class folder");
    }
    for (const File& file : files_) classes_.push_back(file.name.substr(0, file.name.find('/')));
    std::sort(classes_.begin(), classes_.end());
    classes_.erase(std::unique(classes_.begin(), classes_.end()), classes_.end());
    for (File& file : files_) {
      const std::string name = file.name.substr(0, file.name.find('/'));
      const auto place = std::lower_bound(classes_.begin(), classes_.end(), name);
      file.label = static_cast<Index>(place - classes_.begin());
    }
  }

  std::filesystem::path folder_;
  std::vector<File> files_;
  std::vector<std::string> classes_;
  Fingerprint fingerprint_;
};

}  // namespace tessera::data
