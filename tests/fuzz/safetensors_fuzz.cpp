// Whatever is accepted can be read whole, and the copy that the writer makes of its names, shapes
// and metadata is accepted as well.
#include "fuzz/support.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/io/safetensors/table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera::io;
  const auto bytes = fuzz::bytes_of(data, size);
  fuzz::read_or_refuse([&] {
    const TensorSource source(read_safetensors(bytes, "input"), "input", TensorFormat::safetensors);
    fuzz::read_all(source);
    SafetensorsWriter writer;
    for (const StoredTensor& tensor : source.tensors()) {
      if (tensor.dtype != Dtype::u8) continue;
      writer.add<std::uint8_t>(
          tensor.name, tensor.shape,
          {reinterpret_cast<const std::uint8_t*>(tensor.bytes.data()), tensor.bytes.size()});
    }
    for (const auto& [key, value] : source.metadata()) writer.add_metadata(key, value);
    bool copied = false;
    fuzz::read_or_refuse([&] {
      const std::vector<std::byte> copy = writer.bytes();
      fuzz::require_that(open_tensors(copy).metadata() == source.metadata());
      copied = true;
    });
    fuzz::require_that(copied);
  });
  return 0;
}
