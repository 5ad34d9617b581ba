// Says what a weights file is: one line first, then a table. Reads no values and runs nothing, but
// for --verify, which loads the model and runs the self-test in the file.

#include <cstdio>

#include "support/checkpoint_options.hpp"
#include "support/run.hpp"
#include "tessera/io/inspect.hpp"
#include "tessera/io/self_test.hpp"

using namespace tessera;

namespace {

/// The model of the file, whatever it is, compared with its self-test.
double verified(const io::Checkpoint& file) {
  switch (io::read_facts(file).kind) {
    case io::ModelKind::encoder:
      return io::verify(file, io::load_encoder<float>(file));
    case io::ModelKind::mae:
      return io::verify(file, io::load_mae<float>(file));
    case io::ModelKind::ijepa:
      return io::verify(file, io::load_ijepa<float>(file));
    case io::ModelKind::decoder:
      return io::verify(file, io::load_decoder<float>(file));
    default:
      throw std::runtime_error(file.source.label() + ": is no model that can be run alone");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Says what a weights file is, and what it can be used for");
  std::string path;
  bool verify = false;
  app.add_option("FILE", path,
                 "safetensors, a file of torch.save, an index.json of shards, or a folder with one "
                 "of these")
      ->required();
  app.add_flag("--verify", verify, "load the model and run the self-test in the file");
  const example::CheckpointFlags flags(app);
  return example::run_program(app, argc, argv, [&] {
    const io::Checkpoint file = io::open_checkpoint(std::filesystem::path(path), flags.options());
    const io::Description description = io::describe(file);
    std::printf("%s\n\n", description.headline.c_str());
    for (const auto& [key, value] : description.table) {
      std::printf("%-22s %s\n", key.c_str(), value.c_str());
    }
    if (verify) {
      std::printf("%-22s passed, outputs within %.1e\n", "verified", verified(file));
    }
    return 0;
  });
}
