// How long loading a ViT-H/14 takes beside a plain read of its 2.5 GB, and what it needs of memory.
// Each step is a process of its own, so that its peak is its own:
//
//   load_weights make FILE NAMING    writes the file, with random values
//   load_weights read FILE           reads it into memory and does nothing else
//   load_weights load FILE           makes the model from it
//
// scripts/measure_loading.sh builds and runs all three.

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>

#include "tessera/io/weights.hpp"

using namespace tessera;

namespace {

void make(const std::filesystem::path& path, std::string_view naming) {
  MaskedVisionTransformer<float> encoder(vit_config("vit_huge_patch14"));
  Generator generator(0);
  for (const auto& parameter : named_parameters(encoder)) {
    const float level = generator.uniform(-1.0F, 1.0F);
    for (float& value : parameter.values) value = level;
  }
  io::export_weights(path, encoder, naming);
}

/// The whole file by reads of 8 MB, as fast as the system gives it.
std::uint64_t read(const std::filesystem::path& path) {
  const io::InputFile file(path);
  const auto size = static_cast<std::size_t>(file.size());
  const std::unique_ptr<std::byte[]> bytes(new std::byte[size]);
  constexpr std::size_t piece = std::size_t{8} << 20;
  for (std::size_t at = 0; at < size; at += piece) {
    file.read(at, {bytes.get() + at, std::min(piece, size - at)});
  }
  return size;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) return 2;
  const std::string_view step = argv[1];
  const std::filesystem::path path = argv[2];
  const auto start = std::chrono::steady_clock::now();
  if (step == "make") make(path, argc > 3 ? argv[3] : "timm");
  if (step == "read") read(path);
  if (step == "load") (void)io::load_encoder<float>(path);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double megabytes = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  const double peak = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  std::printf("%s: %.2f s, file %.0f MB, peak %.0f MB (%.3f of the file)\n", step.data(),
              taken.count(), megabytes, peak, peak / megabytes);
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
