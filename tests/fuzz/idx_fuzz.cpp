// An IDX file, packed by gzip or not: as many values as its sizes say, or a refusal.
#include "fuzz/support.hpp"
#include "tessera/data/idx_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  for (const std::size_t rank : {std::size_t{1}, std::size_t{3}}) {
    io::fuzz::read_or_refuse([&] {
      const auto bytes = io::fuzz::bytes_of(data, size);
      const auto idx = data::detail::IdxFile::parse({bytes.begin(), bytes.end()}, "input", rank);
      std::size_t count = 1;
      for (const Index extent : idx.shape) {
        const auto size = static_cast<std::size_t>(extent);
        io::fuzz::require_that(!__builtin_mul_overflow(count, size, &count));
      }
      io::fuzz::require_that(idx.shape.size() == rank && count == idx.values().size());
    });
  }
  return 0;
}
