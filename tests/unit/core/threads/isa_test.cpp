#include "tessera/core/threads/isa.hpp"

#include <thread>

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "support/throws.hpp"
#include "tessera/core/threads/parallel.hpp"

namespace tessera {

TEST_CASE("instruction sets are found by name") {
  for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx}) {
    CHECK(isa_from_name(concat(isa)) == isa);
  }
  CHECK(test::error_of([] { isa_from_name("avx"); }) ==
        "isa_from_name: there is no instruction set \"avx\"; known are baseline, avx2, avx512, "
        "avx512_bf16 and amx");
}

TEST_CASE("the environment may ask for a lower instruction set") {
  CHECK(detail::isa_of_environment(nullptr) == machine_isa());
  CHECK(detail::isa_of_environment("") == machine_isa());
  CHECK(detail::isa_of_environment("baseline") == Isa::baseline);
  CHECK(test::error_of([] { detail::isa_of_environment("fast"); }).starts_with("isa_from_name: "));
}

TEST_CASE("an instruction set that the machine lacks is refused") {
  for (const Isa isa : test::every_isa()) CHECK(detail::available(isa, "test") == isa);
  if (machine_isa() == Isa::amx) return;  // nothing is lacking
  const auto higher = static_cast<Isa>(static_cast<int>(machine_isa()) + 1);
  CHECK(test::error_of([&] { ExecutionScope({.isa = higher}); }) ==
        concat("ExecutionScope: this machine has no ", higher, ", only ", machine_isa()));
}

TEST_CASE("a scope sets the instruction set, for its cells too", "[threads]") {
  const Isa before = current_isa();
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.threads = 2, .isa = isa});
    CHECK(current_isa() == isa);
    std::atomic<int> seen{0};
    parallel_for(20, [&](Index) { seen += current_isa() == isa; });
    CHECK(seen == 20);
    const ExecutionScope unset({});
    CHECK(current_isa() == before);
  }
  CHECK(current_isa() == before);
}

}  // namespace tessera
