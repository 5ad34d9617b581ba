#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/memory.hpp"

namespace tessera::io {

class InputFile;

/// Some bytes of a file, mapped for somebody who may change them: the file and other mappings of it
/// stay as they are, for the system copies a page before the first change to it.
class PrivateMapping : public MemoryOwner {
 public:
  /// bytes() is empty if the system refuses.
  PrivateMapping(const InputFile& file, std::size_t offset, std::size_t size);
  ~PrivateMapping() override;
  PrivateMapping(const PrivateMapping&) = delete;
  PrivateMapping& operator=(const PrivateMapping&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> mapping_;  // from the beginning of a page on
  std::span<std::byte> bytes_;
};

/// The bytes of a file, read only. They are mapped into memory; where the system cannot do that
/// (some network and special file systems), the file is read instead. The file must not shrink
/// while it is mapped: touching mapped bytes that are gone ends the program.
class MappedFile {
 public:
  /// Throws std::runtime_error if `path` cannot be opened or is no regular file. `map` false reads
  /// the whole file into memory in any case: what happens to it later does not matter.
  explicit MappedFile(const std::filesystem::path& path, bool map = true);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& name() const { return name_; }
  bool is_mapped() const { return !mapping_.empty(); }
  std::span<const std::byte> bytes() const {
    return is_mapped() ? mapping_ : std::span<const std::byte>(copy_);
  }

  /// `part` of bytes() once more, for somebody who may change it. Null if the system refuses, or if
  /// the path is another file's by now: no descriptor is kept, for a model may have many files.
  std::unique_ptr<PrivateMapping> map_privately(std::span<const std::byte> part) const;

  /// Gives the memory behind `part` of bytes() back; the bytes stay valid and come from the file
  /// again when touched. Loading a file front to back so needs no memory for the file itself.
  void release(std::span<const std::byte> part) const;

 private:
  std::string name_;  // the path
  std::array<std::uint64_t, 3> identity_{};
  std::span<const std::byte> mapping_;  // empty: the bytes are in copy_
  std::vector<std::byte> copy_;
};

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/file/mapped_file_impl.hpp"
#endif
