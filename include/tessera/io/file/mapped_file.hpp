#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/memory.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"

namespace tessera::io {

/// Some bytes of a file, mapped for somebody who may change them: the file and other mappings of it
/// stay as they are, for the system copies a page before the first change to it.
class PrivateMapping : public MemoryOwner {
 public:
  /// bytes() is empty if the system refuses.
  PrivateMapping(const InputFile& file, std::size_t offset, std::size_t size) {
    const std::size_t before = offset % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const mapping = ::mmap(nullptr, before + size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                                 file.descriptor(), static_cast<off_t>(offset - before));
    if (mapping == MAP_FAILED) return;
    mapping_ = {static_cast<std::byte*>(mapping), before + size};
    bytes_ = mapping_.subspan(before);
  }
  ~PrivateMapping() override {
    if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
  }

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> mapping_;  // from the beginning of a page on
  std::span<std::byte> bytes_;
};

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
    identity_ = file.identity();
    if (file.size() > std::numeric_limits<std::size_t>::max() / 2) {
      refuse_file(name_, "has ", file.size(), " bytes, more than memory can address");
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
        identity_(other.identity_),
        mapping_(std::exchange(other.mapping_, {})),
        copy_(std::move(other.copy_)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(identity_, other.identity_);
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

  /// `part` of bytes() once more, for somebody who may change it. Null if the system refuses, or if
  /// the path is another file's by now: no descriptor is kept, for a model may have many files.
  std::unique_ptr<PrivateMapping> map_privately(std::span<const std::byte> part) const {
    const bool within =
        std::less_equal<>()(mapping_.data(), part.data()) &&
        std::less_equal<>()(part.data() + part.size(), mapping_.data() + mapping_.size());
    if (part.empty() || !within) return nullptr;
    try {
      const InputFile file(name_);
      if (file.identity() != identity_) return nullptr;
      const auto offset = static_cast<std::size_t>(part.data() - mapping_.data());
      auto mapping = std::make_unique<PrivateMapping>(file, offset, part.size());
      return mapping->bytes().empty() ? nullptr : std::move(mapping);
    } catch (const std::runtime_error&) {
      return nullptr;  // it cannot be opened any more
    }
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
  std::string name_;  // the path
  std::array<std::uint64_t, 3> identity_{};
  std::span<const std::byte> mapping_;  // empty: the bytes are in copy_
  std::vector<std::byte> copy_;
};

}  // namespace tessera::io
