// The index of a sharded checkpoint: whatever is accepted names files in its own folder only.
#include "fuzz/support.hpp"
#include "tessera/io/source/shards.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera::io;
  fuzz::read_or_refuse([&] {
    const ShardIndex index =
        parse_shard_index(detail::text_of_bytes(fuzz::bytes_of(data, size)), "input");
    for (const auto& [tensor, file] : index.file_of) {
      const std::filesystem::path path(file);
      fuzz::require_that(path.is_relative() && path.filename() == path && file != "..");
      fuzz::require_that((std::filesystem::path("folder") / path).lexically_normal() ==
                         std::filesystem::path("folder") / file);
    }
  });
  return 0;
}
