#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/file/fail.hpp"

namespace tessera::data::detail {

/// True for bytes that begin as a gzip stream does (RFC 1952).
inline bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

/// Unpacks a gzip stream piece by piece.
class GzipReader {
 public:
  /// `packed` must outlive the reader.
  GzipReader(std::span<const std::byte> packed, const std::string& file)
      : packed_(packed), file_(file) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~GzipReader() { inflateEnd(&stream_); }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `bytes` from the front; returns how many there were before the stream ended. Throws
  /// std::runtime_error "file: reason" if it is damaged or ends early.
  std::size_t read(std::span<std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && !ended_) {
      if (stream_.avail_in == 0) refill();
      const auto room = static_cast<uInt>(std::min(bytes.size() - done, most_at_once));
      stream_.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
      stream_.avail_out = room;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        io::refuse_file(file_, "has a damaged gzip stream");
      }
      ended_ = status == Z_STREAM_END;
      done += room - stream_.avail_out;
    }
    return done;
  }

 private:
  static constexpr std::size_t most_at_once = std::size_t{1} << 30;  // zlib counts in 32 bits

  void refill() {
    const std::size_t count = std::min(packed_.size(), most_at_once);
    if (count == 0) io::refuse_file(file_, "ends within its gzip stream");
    // zlib does not write to its input; the pointer is not const for old compilers' sake.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()));
    stream_.avail_in = static_cast<uInt>(count);
    packed_ = packed_.subspan(count);
  }

  z_stream stream_{};
  std::span<const std::byte> packed_;
  std::string file_;
  bool ended_ = false;
};

/// The first `size` bytes of a gzip file's contents, fewer if it holds fewer.
inline std::vector<std::byte> gunzip_start(std::span<const std::byte> packed,
                                           const std::string& file, std::size_t size) {
  std::vector<std::byte> contents(size);
  contents.resize(GzipReader(packed, file).read(contents));
  return contents;
}

/// The contents of a gzip file, at most `most` bytes: a small file may hold far more than memory.
/// Throws std::runtime_error "file: reason" if it is damaged, ends early or holds more.
inline std::vector<std::byte> gunzip(std::span<const std::byte> packed, const std::string& file,
                                     std::size_t most) {
  GzipReader reader(packed, file);
  std::vector<std::byte> contents;
  constexpr std::size_t step = std::size_t{1} << 20;
  while (true) {
    const std::size_t before = contents.size();
    // One byte more than allowed tells a stream that holds more from one that ends.
    contents.resize(std::min(before + step, most + 1));
    const std::size_t count = reader.read(std::span(contents).subspan(before));
    contents.resize(before + count);
    if (contents.size() > most) io::refuse_file(file, "unpacks to more than ", most, " bytes");
    if (contents.size() < std::min(before + step, most + 1)) return contents;
  }
}

}  // namespace tessera::data::detail
