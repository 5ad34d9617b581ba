#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"

namespace tessera::io {

namespace detail {

inline std::string system_text(int error) { return std::generic_category().message(error); }

/// Owns an open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// Path of a file that is removed with this object, unless it was given another name before.
class TemporaryPath {
 public:
  explicit TemporaryPath(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  ~TemporaryPath() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  const char* c_str() const { return path_.c_str(); }
  /// Takes another path, of a file that does not exist yet.
  void set(std::filesystem::path path) { path_ = std::move(path); }
  void clear() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

}  // namespace detail

/// A regular file open for reading. Every read names its offset, so threads may share one.
class InputFile {
 public:
  /// Throws std::runtime_error if `path` cannot be opened or is no regular file.
  explicit InputFile(const std::filesystem::path& path) : name_(path.string()) {
    // O_NONBLOCK: opening a pipe must be an error, not a wait.
    descriptor_ = detail::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (descriptor_.get() < 0 || ::fstat(descriptor_.get(), &status) != 0) {
      refuse_file(name_, "cannot be opened: ", detail::system_text(errno));
    }
    if (!S_ISREG(status.st_mode)) refuse_file(name_, "is not a regular file");
    size_ = static_cast<std::uint64_t>(status.st_size);
    identity_ = {status.st_dev, status.st_ino, size_};
  }

  const std::string& name() const { return name_; }
  int descriptor() const { return descriptor_.get(); }
  /// In bytes, when it was opened.
  std::uint64_t size() const { return size_; }
  /// Device, number and size: equal for two open files that are one.
  const std::array<std::uint64_t, 3>& identity() const { return identity_; }

  /// Fills `bytes` from `offset` on. Throws std::runtime_error if the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t count =
          ::pread(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) refuse_file(name_, "cannot be read: ", detail::system_text(errno));
      if (count == 0) refuse_file(name_, "ends before byte ", offset + bytes.size());
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
  }

 private:
  std::string name_;
  detail::Descriptor descriptor_;
  std::uint64_t size_ = 0;
  std::array<std::uint64_t, 3> identity_{};
};

/// The new contents of a file, written beside it under a name of its own until replace_file is
/// content.
class OutputFile {
 public:
  /// Appends. Throws std::runtime_error if the system refuses, for instance because it is full.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) refuse_write(errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

 private:
  template <class Write>
  friend void replace_file(const std::filesystem::path& path, const Write& write);

  explicit OutputFile(const std::filesystem::path& path)
      : name_(path.string()),
        target_(followed(path)),
        folder_(target_.parent_path()),
        temporary_(std::filesystem::path()) {
    if (folder_.empty()) folder_ = ".";
    const ::mode_t mode = mode_of_target();
    std::random_device entropy;
    for (int attempt = 0; descriptor_.get() < 0; ++attempt) {
      // The path is kept before the file exists: no lack of memory can leave the file behind.
      temporary_.set(folder_ / concat(".tessera-", entropy(), "-", entropy(), ".tmp"));
      descriptor_ = detail::Descriptor(
          ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (descriptor_.get() < 0) {
        const int error = errno;
        temporary_.clear();
        if (error != EEXIST || attempt == 100) refuse_write(error);
      }
    }
    // A system without permission bits may refuse; the contents matter more.
    if (mode != no_target) (void)!::fchmod(descriptor_.get(), mode);
  }

  static constexpr ::mode_t no_target = ~::mode_t{0};

  /// Permissions of the file that is replaced, without the bits that change who runs it. Refuses to
  /// replace a device, a pipe, a socket or a folder.
  ::mode_t mode_of_target() const {
    struct stat status{};
    if (::stat(target_.c_str(), &status) != 0) return no_target;
    if (S_ISDIR(status.st_mode)) refuse_write(EISDIR);
    if (!S_ISREG(status.st_mode)) {
      refuse_file(name_, "cannot be written: is not a regular file");
    }
    return status.st_mode & 0777;
  }

  /// A symbolic link stays one: what it points to is replaced.
  static std::filesystem::path followed(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_symlink(path, error)) return path;
    std::filesystem::path target = std::filesystem::canonical(path, error);
    if (error) refuse_file(path.string(), "cannot be written: ", error.message());
    return target;
  }

  void commit() {
    if (::fsync(descriptor_.get()) != 0) refuse_write(errno);
    if (::close(descriptor_.release()) != 0) refuse_write(errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse_write(errno);
    temporary_.clear();
    // Some file systems cannot sync a folder; the new contents stand there all the same.
    const detail::Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() >= 0) (void)!::fsync(folder.get());
  }

  [[noreturn]] void refuse_write(int error) const {
    refuse_file(name_, "cannot be written: ", detail::system_text(error));
  }

  std::string name_;
  std::filesystem::path target_;
  std::filesystem::path folder_;
  detail::TemporaryPath temporary_;
  detail::Descriptor descriptor_;
};

/// Replaces the regular file `path`, or makes it, with what write(OutputFile&) writes, all or
/// nothing: readers see the old file or the new one, also after a crash. When anything throws, the
/// old file stays and nothing else is left behind. The new file keeps the permissions of the old
/// one. Throws std::runtime_error that names the file.
template <class Write>
void replace_file(const std::filesystem::path& path, const Write& write) {
  OutputFile file(path);
  write(file);
  file.commit();
}

/// replace_file with the given bytes.
inline void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  replace_file(path, [&](OutputFile& file) { file.write(bytes); });
}

/// The whole file. Throws std::runtime_error if it cannot be read or is larger than `max_bytes`.
inline std::vector<std::byte> read_file(const std::filesystem::path& path,
                                        std::uint64_t max_bytes) {
  const InputFile file(path);
  if (file.size() > max_bytes) {
    refuse_file(file.name(), "has ", file.size(), " bytes; the limit is ", max_bytes);
  }
  const std::size_t count = file.size();
  std::vector<std::byte> bytes(count);
  file.read(0, bytes);
  return bytes;
}

}  // namespace tessera::io
