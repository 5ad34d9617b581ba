#pragma once

namespace tessera::io {

/// Choices in reading a safetensors file.
struct SafetensorsOptions {
  /// Bytes after the last tensor are an error unless this is set.
  bool allow_trailing_bytes = false;
};

}  // namespace tessera::io
