#pragma once

#include <array>
#include <cstdlib>
#include <string_view>

#include "tessera/core/error.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tessera {

/// Instruction sets that float kernels are written for, each one containing those before it.
enum class Isa {
  baseline,  ///< what every processor of the architecture has; SSE2 on x86-64
  avx2,      ///< with FMA
  avx512,    ///< F, BW, DQ and VL
  avx512_bf16,
  amx,  ///< tiles of bfloat16
};

inline constexpr std::array<std::string_view, 5> isa_names{"baseline", "avx2", "avx512",
                                                           "avx512_bf16", "amx"};

inline void append_text(std::string& text, Isa isa) {
  text += isa_names[static_cast<std::size_t>(isa)];
}

/// Throws std::invalid_argument unless `name` is one of isa_names.
inline Isa isa_from_name(std::string_view name) {
  for (std::size_t i = 0; i < isa_names.size(); ++i) {
    if (name == isa_names[i]) return static_cast<Isa>(i);
  }
  refuse("isa_from_name", "there is no instruction set \"", name,
         "\"; known are baseline, avx2, avx512, avx512_bf16 and amx");
}

namespace detail {

/// True if processor and system have AMX's tiles and bfloat16 products. Linux lets a process use
/// them once it has asked, which this does.
inline bool machine_has_amx() {
#if defined(__x86_64__) && defined(__GNUC__) && defined(__linux__)
  static const bool has = [] {
    constexpr unsigned tiles_and_bfloat16 = 1U << 24 | 1U << 22;
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
    if ((edx & tiles_and_bfloat16) != tiles_and_bfloat16) return false;
    constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return has;
#else
  return false;
#endif
}

}  // namespace detail

/// The highest one below AMX that processor and operating system offer. It asks them for nothing.
inline Isa vector_isa() {
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

/// The highest one that processor and operating system offer. On processors with AMX this asks
/// Linux, once and for the whole process, for the permission to use its tiles. From then on a
/// signal's frame has to hold them too, 8 KiB more, and Linux refuses a sigaltstack that is too
/// small for that (ENOMEM); it refuses AMX instead if a thread has such a stack already. Make
/// alternative stacks of at least sysconf(_SC_SIGSTKSZ) bytes, never of the constant SIGSTKSZ
/// (8 KiB); or keep away from AMX by TESSERA_ISA=avx512_bf16 in the environment.
inline Isa machine_isa() {
  const Isa best = vector_isa();
  return best == Isa::avx512_bf16 && detail::machine_has_amx() ? Isa::amx : best;
}

namespace detail {

/// `isa`, if the machine has it; `asked_by` names who wants it. Throws std::invalid_argument else.
inline Isa available(Isa isa, std::string_view asked_by) {
  const Isa best = isa < Isa::amx ? vector_isa() : machine_isa();
  if (isa > best) refuse(asked_by, "this machine has no ", isa, ", only ", best);
  return isa;
}

/// The instruction set that the environment asks for; the machine's best if it says nothing.
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
