#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

namespace tessera::data::test {

/// The bytes as a gzip file.
inline std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  z_stream state{};
  if (deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::vector<std::byte> packed(deflateBound(&state, bytes.size()) + 64);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  const bool done = deflate(&state, Z_FINISH) == Z_STREAM_END;
  packed.resize(state.total_out);
  deflateEnd(&state);
  if (!done) throw std::runtime_error("deflate");
  return packed;
}

}  // namespace tessera::data::test
