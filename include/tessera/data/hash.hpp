#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tessera::data {

/// A hash of numbers, for seeds: every bit of every number changes about half of its 64 bits. Each
/// number is added to the state and the state is mixed by splitmix64's finalizer (Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014).
constexpr std::uint64_t hash_of(std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t state = 0;
  for (const std::uint64_t number : numbers) {
    state += number + 0x9e3779b97f4a7c15U;
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebU;
    state ^= state >> 31;
  }
  return state;
}

/// FNV-1a over the bytes of a text, continued from `hash` (Fowler, Noll and Vo): for fingerprints,
/// which must tell data sets apart but need not withstand an attacker.
constexpr std::uint64_t hash_text(std::string_view text, std::uint64_t hash) {
  for (const char character : text) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3U;
  }
  return hash;
}

inline constexpr std::uint64_t hash_text_start = 0xcbf29ce484222325U;

}  // namespace tessera::data
