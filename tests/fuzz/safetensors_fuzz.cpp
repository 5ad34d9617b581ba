// Both readers of safetensors must agree on what they accept.
#include "fuzz/support.hpp"
#include "tessera/io/safetensors/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera::io;
  const auto bytes = fuzz::bytes_of(data, size);
  std::size_t tensors = 0;
  bool accepted = false;
  fuzz::read_or_refuse([&] {
    const SafetensorsReader reader(bytes, "input");
    accepted = true;
    tensors = reader.tensors().size();
    for (const SafetensorsEntry& entry : reader.tensors()) (void)reader.read_bytes(entry.name);
  });
  fuzz::read_or_refuse([&] {
    const TensorSource source(detail::read_table(bytes, "input", TensorFormat::safetensors, {}),
                              "input", TensorFormat::safetensors);
    fuzz::require_that(accepted && source.tensors().size() == tensors);
    accepted = false;
    fuzz::read_all(source);
  });
  fuzz::require_that(!accepted);
  return 0;
}
