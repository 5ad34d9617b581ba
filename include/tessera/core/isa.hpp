#pragma once

#include <array>
#include <cstdlib>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera {

/// Instruction sets that float kernels are written for, each one containing those before it.
enum class Isa {
  baseline,  ///< what every processor of the architecture has; SSE2 on x86-64
  avx2,      ///< with FMA
  avx512,    ///< F, BW, DQ and VL
  avx512_bf16,
};

inline constexpr std::array<std::string_view, 4> isa_names{"baseline", "avx2", "avx512",
                                                           "avx512_bf16"};

inline void append_text(std::string& text, Isa isa) {
  text += isa_names[static_cast<std::size_t>(isa)];
}

/// Throws std::invalid_argument unless `name` is one of isa_names.
inline Isa isa_from_name(std::string_view name) {
  for (std::size_t i = 0; i < isa_names.size(); ++i) {
    if (name == isa_names[i]) return static_cast<Isa>(i);
  }
  require(false, "isa_from_name", "there is no instruction set \"", name,
          "\"; known are baseline, avx2, avx512 and avx512_bf16");
  return Isa::baseline;
}

/// The highest one that processor and operating system offer.
inline Isa machine_isa() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::baseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return Isa::avx2;
  }
  return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
#else
  return Isa::baseline;
#endif
}

namespace detail {

/// `isa`, if the machine has it; `asked_by` names who wants it. Throws std::invalid_argument else.
inline Isa available(Isa isa, std::string_view asked_by) {
  const Isa best = machine_isa();
  require(isa <= best, asked_by, "this machine has no ", isa, ", only ", best);
  return isa;
}

/// What the environment asks for; the machine's best if it says nothing.
inline Isa isa_of_environment(const char* name) {
  if (name == nullptr || *name == '\0') return machine_isa();
  return available(isa_from_name(name), "TESSERA_ISA");
}

/// Read once: a process does not change its mind.
inline Isa default_isa() {
  static const Isa isa = isa_of_environment(std::getenv("TESSERA_ISA"));
  return isa;
}

}  // namespace detail

}  // namespace tessera
