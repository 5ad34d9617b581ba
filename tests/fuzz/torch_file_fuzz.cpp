// Files of torch.save in both formats. An input that begins as a bare pickle is read as the pickle
// of an archive whose storages all have 64 bytes, so that the fuzzer need not keep a zip in order.
#include "fuzz/support.hpp"
#include "tessera/io/torch/file.hpp"

namespace {

using namespace tessera::io;

TensorTable read_bare_pickle(std::span<const std::byte> bytes, const std::string& label,
                             const PickleOptions& options) {
  const PickleDocument document = read_pickle(bytes, label);
  static const std::vector<std::byte> memory(64, std::byte{1});
  const std::vector<detail::StorageBytes> storages(document.storages.size(), memory);
  return detail::TorchTableBuilder(document, storages, label, 0, options).build();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  const std::string label = "input";
  if (size > 0 && data[0] == 0x80 && !is_torch_legacy(bytes)) {
    for (const bool unknown : {false, true}) {
      fuzz::read_or_refuse([&] {
        const TensorSource source(
            read_bare_pickle(bytes, label, {.unknown_objects_as_data = unknown}), label,
            TensorFormat::torch_zip);
        fuzz::read_all(source);
      });
    }
    return 0;
  }
  for (const bool check_crc : {false, true}) {
    TorchOptions options;
    options.zip.check_crc = check_crc;
    fuzz::read_or_refuse([&] {
      const TensorSource source(read_torch_file(bytes, label, options), label,
                                TensorFormat::torch_zip);
      fuzz::read_all(source);
    });
  }
  return 0;
}
