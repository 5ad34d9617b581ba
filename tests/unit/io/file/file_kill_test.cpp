// A writer killed at any moment leaves the old file or the new one, whole.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/core/random/generator.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

constexpr Index count = 200'000;

/// A file of two tensors, every value of which is its generation.
void write_generation(const std::filesystem::path& path, float generation) {
  const Tensor<float, 1> values({count}, generation);
  SafetensorsWriter writer;
  writer.add("first", values);
  writer.add("last", values);
  writer.add_metadata("generation", std::to_string(static_cast<int>(generation)));
  writer.write(path);
}

/// The one generation of a file, or -1 if it is not whole.
int generation_of(const std::filesystem::path& path) {
  const TensorSource file = open_tensors(path);
  const int generation = std::stoi(file.metadata().at("generation"));
  for (const char* name : {"first", "last"}) {
    const auto values = file.read<float, 1>(name);
    if (values != Tensor<float, 1>({count}, static_cast<float>(generation))) return -1;
  }
  return generation;
}

}  // namespace

TEST_CASE("a writer killed at 200 random moments leaves a whole file") {
  const ScratchFolder folder;
  const auto path = folder / "weights.safetensors";
  write_generation(path, 0);
  Generator generator(1);
  int newest = 0;
  int during_a_write = 0;
  int went_on = 0;
  for (int round = 0; round < 200; ++round) {
    const pid_t writer = ::fork();
    REQUIRE(writer >= 0);
    if (writer == 0) {
      for (int i = 1;; ++i) write_generation(path, static_cast<float>(newest + i));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(generator.randint(0, 12'000)));
    ::kill(writer, SIGKILL);
    int status = 0;
    ::waitpid(writer, &status, 0);
    REQUIRE(WIFSIGNALED(status));  // it was writing to the end
    const int found = generation_of(path);
    REQUIRE(found >= newest);
    went_on += found > newest;
    newest = found;
    for (const std::string& name : folder.names()) {
      if (name == "weights.safetensors") continue;
      ++during_a_write;
      std::filesystem::remove(folder / name);
    }
  }
  INFO(during_a_write << " kills during a write, " << went_on << " after a new file");
  CHECK(during_a_write > 20);
  CHECK(went_on > 5);
}

}  // namespace tessera::io::test
