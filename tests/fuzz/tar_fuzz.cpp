// A tar archive: a list of members that lie within it, or a refusal.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "fuzz/support.hpp"
#include "tessera/data/tar_index.hpp"

namespace {

/// The right sum for each block that looks like a header: else hardly a change gets past the check.
std::vector<std::byte> with_right_sums(std::span<const std::byte> archive) {
  std::vector<std::byte> bytes(archive.begin(), archive.end());
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
    std::byte* const block = bytes.data() + at;
    if (std::memcmp(block + 257, "ustar", 5) != 0) continue;
    std::memset(block + 148, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += std::to_integer<unsigned>(block[i]);
    for (std::size_t digit = 6; digit-- > 0; sum /= 8)
      block[148 + digit] = std::byte('0' + sum % 8);
  }
  return bytes;
}

/// A file in memory, for archives are read at places that their headers name.
const std::string& path_of(std::span<const std::byte> bytes) {
  static const int descriptor = ::memfd_create("archive", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  tessera::io::fuzz::require_that(::ftruncate(descriptor, static_cast<off_t>(bytes.size())) == 0 &&
                                  ::pwrite(descriptor, bytes.data(), bytes.size(), 0) ==
                                      static_cast<ssize_t>(bytes.size()));
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  const std::vector<std::byte> bytes = with_right_sums(io::fuzz::bytes_of(data, size));
  const std::string& path = path_of(bytes);
  const io::InputFile archive(path);
  try {
    for (const data::TarMember& member : data::tar_members(archive)) {
      io::fuzz::require_that(member.offset <= size && member.size <= size - member.offset);
      io::fuzz::require_that(!member.name.empty() && member.name.front() != '/');
    }
  } catch (const std::runtime_error& error) {
    io::fuzz::require_that(std::string_view(error.what()).starts_with(path + ": "));
  }
  return 0;
}
