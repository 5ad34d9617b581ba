// Says what a weights file is: one line first, then a table. Reads no values and runs nothing.

#include <cstdio>

#include "support/checkpoint_options.hpp"
#include "tessera/io/inspect.hpp"

using namespace tessera;

int main(int argc, char** argv) {
  CLI::App app("Says what a weights file is, and what it can be used for");
  std::string path;
  app.add_option("FILE", path, "safetensors, a file of torch.save, or an index.json of shards")
      ->required();
  const example::CheckpointFlags flags(app);
  return example::run_tool(app, argc, argv, [&] {
    const io::Description description =
        io::describe(io::open_checkpoint(std::filesystem::path(path), flags.options()));
    std::printf("%s\n\n", description.headline.c_str());
    for (const auto& [key, value] : description.table) {
      std::printf("%-22s %s\n", key.c_str(), value.c_str());
    }
    return 0;
  });
}
