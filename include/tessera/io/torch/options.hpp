#pragma once

namespace tessera::io {

struct ZipOptions {
  /// Compare every entry with its CRC-32: one more pass over the whole file. Off by default, as in
  /// torch, which also writes files without valid sums on request.
  bool check_crc = false;
};

struct PickleOptions {
  /// Read objects of unknown classes as well: what they were made with, their items and their
  /// state, under the name of the object. Still nothing is called. Off: they are left out and
  /// listed.
  bool unknown_objects_as_data = false;
};

/// Choices in reading a file of torch.save.
struct TorchOptions {
  ZipOptions zip = {};
  PickleOptions pickle = {};
};

}  // namespace tessera::io
