#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/io/file.hpp"

namespace tessera::io {

/// The bytes of a file, read only. They are mapped into memory; where the system cannot do that
/// (some network and special file systems), the file is read instead. The file must not shrink
/// while it is open: touching mapped bytes that are gone ends the program.
class MappedFile {
 public:
  /// Throws std::runtime_error if `path` cannot be opened or is no regular file. `map` false reads
  /// the file in any case.
  explicit MappedFile(const std::filesystem::path& path, bool map = true) {
    const InputFile file(path);
    name_ = file.name();
    if (file.size() > std::numeric_limits<std::size_t>::max() / 2) {
      detail::fail(name_, "has ", file.size(), " bytes, more than memory can address");
    }
    const auto size = static_cast<std::size_t>(file.size());
    if (size == 0) return;
    void* const mapping =
        map ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0) : MAP_FAILED;
    if (mapping == MAP_FAILED) {
      copy_.resize(size);
      file.read(0, copy_);
    } else {
      mapping_ = {static_cast<const std::byte*>(mapping), size};
      (void)::madvise(mapping, size, MADV_SEQUENTIAL);  // advice: refusal changes nothing
    }
  }
  MappedFile(MappedFile&& other) noexcept
      : name_(std::move(other.name_)),
        mapping_(std::exchange(other.mapping_, {})),
        copy_(std::move(other.copy_)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(mapping_, other.mapping_);
    std::swap(copy_, other.copy_);
    return *this;
  }
  ~MappedFile() {
    if (!mapping_.empty()) ::munmap(const_cast<std::byte*>(mapping_.data()), mapping_.size());
  }

  const std::string& name() const { return name_; }
  bool is_mapped() const { return !mapping_.empty(); }
  std::span<const std::byte> bytes() const {
    return is_mapped() ? mapping_ : std::span<const std::byte>(copy_);
  }

  /// Gives the memory behind `part` of bytes() back; the bytes stay valid and come from the file
  /// again when touched. Loading a file front to back so needs no memory for the file itself.
  void release(std::span<const std::byte> part) const {
    if (!is_mapped() || part.empty()) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto offset = static_cast<std::size_t>(part.data() - mapping_.data());
    // The page in which the part ends is left for whoever reads on.
    const std::size_t begin = offset / page * page;
    const std::size_t end = (offset + part.size()) / page * page;
    if (begin >= end) return;
    (void)::madvise(const_cast<std::byte*>(mapping_.data()) + begin, end - begin, MADV_DONTNEED);
  }

 private:
  std::string name_;
  std::span<const std::byte> mapping_;  // empty: the bytes are in copy_
  std::vector<std::byte> copy_;
};

}  // namespace tessera::io
