#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <limits>
#include <stdexcept>
#include <utility>

#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/file/mapped_file.hpp"

namespace tessera::io {

TESSERA_INLINE PrivateMapping::PrivateMapping(const InputFile& file, std::size_t offset,
                                              std::size_t size) {
  const std::size_t before = offset % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const mapping = ::mmap(nullptr, before + size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                               file.descriptor(), static_cast<off_t>(offset - before));
  if (mapping == MAP_FAILED) return;
  mapping_ = {static_cast<std::byte*>(mapping), before + size};
  bytes_ = mapping_.subspan(before);
}

TESSERA_INLINE PrivateMapping::~PrivateMapping() {
  if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
}

TESSERA_INLINE MappedFile::MappedFile(const std::filesystem::path& path, bool map) {
  const InputFile file(path);
  name_ = file.name();
  identity_ = file.identity();
  if (file.size() > std::numeric_limits<std::size_t>::max() / 2) {
    refuse_file(name_, "has ", file.size(), " bytes, more than memory can address");
  }
  const std::size_t size = file.size();
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

TESSERA_INLINE MappedFile::MappedFile(MappedFile&& other) noexcept
    : name_(std::move(other.name_)),
      identity_(other.identity_),
      mapping_(std::exchange(other.mapping_, {})),
      copy_(std::move(other.copy_)) {}

TESSERA_INLINE MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(identity_, other.identity_);
  std::swap(mapping_, other.mapping_);
  std::swap(copy_, other.copy_);
  return *this;
}

TESSERA_INLINE MappedFile::~MappedFile() {
  if (!mapping_.empty()) ::munmap(const_cast<std::byte*>(mapping_.data()), mapping_.size());
}

TESSERA_INLINE std::unique_ptr<PrivateMapping> MappedFile::map_privately(
    std::span<const std::byte> part) const {
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

TESSERA_INLINE void MappedFile::release(std::span<const std::byte> part) const {
  if (!is_mapped() || part.empty()) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(part.data() - mapping_.data());
  // The page in which the part ends is left for whoever reads on.
  const std::size_t begin = offset / page * page;
  const std::size_t end = (offset + part.size()) / page * page;
  if (begin >= end) return;
  (void)::madvise(const_cast<std::byte*>(mapping_.data()) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace tessera::io
