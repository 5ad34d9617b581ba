#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/io/text/json_text.hpp"

namespace example {

/// A file that grows as results come in, under the name it will have with ".partial" behind it, so
/// that an older one stays until finish(). If the program ends before, the partial file stays too.
class GrowingFile {
 public:
  explicit GrowingFile(const std::filesystem::path& path)
      : path_(path),
        partial_(path.string() + ".partial"),
        descriptor_(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail();
  }
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void append(std::span<const std::byte> bytes) {
    write(size_, bytes);
    size_ += static_cast<off_t>(bytes.size());
  }
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }

  /// Writes over the beginning.
  void rewrite(std::string_view text) { write(0, std::as_bytes(std::span(text))); }

  void finish() {
    if (::fsync(descriptor_) != 0 || ::rename(partial_.c_str(), path_.c_str()) != 0) fail();
  }

  /// Nothing was worth keeping.
  void remove() { ::unlink(partial_.c_str()); }

 private:
  void write(off_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail();
      offset += count;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  [[noreturn]] void fail() const {
    throw std::runtime_error(partial_.string() +
                             ": cannot be written: " + std::generic_category().message(errno));
  }

  std::filesystem::path path_;
  std::filesystem::path partial_;
  int descriptor_;
  off_t size_ = 0;
};

/// Features as float32 in NumPy's .npy (format 1.0), and as .csv with the names of the images. Both
/// are whole after every call of add.
class FeatureFiles {
 public:
  explicit FeatureFiles(const std::string& path) : npy_(path + ".npy"), csv_(path + ".csv") {
    npy_.append(std::string(header_bytes, ' '));
  }

  /// Rows for `names`, each of the given shape ([features] or [tokens, features]).
  void add(std::span<const std::string> names, std::span<const tessera::Index> row_shape,
           std::span<const float> rows) {
    const std::size_t width = rows.size() / names.size();
    npy_.append(std::as_bytes(rows));
    std::string lines;
    for (std::size_t i = 0; i < names.size(); ++i) {
      lines += in_csv(names[i]);
      for (const float value : rows.subspan(i * width, width)) {
        lines += ',';
        lines += tessera::io::number_text(value);
      }
      lines += '\n';
    }
    csv_.append(lines);
    count_ += names.size();
    npy_.rewrite(header(row_shape));
  }

  std::size_t count() const { return count_; }

  void finish() {
    npy_.finish();
    csv_.finish();
  }

  void remove() {
    npy_.remove();
    csv_.remove();
  }

 private:
  static constexpr std::size_t header_bytes = 128;  // room for any shape, and a multiple of 64

  std::string header(std::span<const tessera::Index> row_shape) const {
    std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    text += std::to_string(count_) + ", ";
    for (const tessera::Index extent : row_shape) text += std::to_string(extent) + ", ";
    text += "), }";
    text.resize(header_bytes - 10 - 1, ' ');
    text += '\n';
    std::string begin("\x93NUMPY\x01\x00", 8);
    begin += static_cast<char>(text.size() & 0xFF);
    begin += static_cast<char>(text.size() >> 8);
    return begin + text;
  }

  static std::string in_csv(const std::string& text) {
    std::string quoted = "\"";
    for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
    return quoted + "\"";
  }

  GrowingFile npy_;
  GrowingFile csv_;
  std::size_t count_ = 0;
};

}  // namespace example
