// Writes a weights file in the names of another library, as safetensors.

#include <cstdio>

#include "support/checkpoint_options.hpp"
#include "support/print.hpp"
#include "tessera/io/convert_weights.hpp"

using namespace tessera;
using example::print;

namespace {

io::Dtype dtype_called(const std::string& name) {
  if (name == "f32") return io::Dtype::f32;
  return name == "f16" ? io::Dtype::f16 : io::Dtype::bf16;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a weights file in the names of another library");
  std::string path, naming, out = "converted.safetensors", dtype, encoder;
  bool encoder_only = false;
  std::vector<std::string> known;
  for (const io::Naming& each : io::namings) known.emplace_back(each.id);
  app.add_option("FILE", path, "any weights file that inspect knows")->required();
  app.add_option("--to", naming, "naming of the new file")->required()->check(CLI::IsMember(known));
  app.add_option("--out", out, "safetensors file to write")->capture_default_str();
  app.add_option("--dtype", dtype, "to store: f32, f16 or bf16; else as in the file")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
  app.add_flag("--encoder-only", encoder_only, "leave a decoder out");
  example::add_encoder_choice(app, encoder);
  const example::CheckpointFlags flags(app);
  return example::run_tool(app, argc, argv, [&] {
    io::ConvertOptions options{.encoder_only = encoder_only};
    if (!dtype.empty()) options.dtype = dtype_called(dtype);
    if (!encoder.empty()) {
      options.encoder =
          encoder == "target" ? io::EncoderChoice::target : io::EncoderChoice::context;
    }
    const io::Checkpoint file = io::open_checkpoint(std::filesystem::path(path), flags.options());
    const io::ExportReport report = io::convert_weights(file, out, naming, options);
    print(out, ": ", report.written.size(), " tensors, from ", file.naming_id(), " to ", naming);
    for (const std::string& name : report.left_out) print("left out: ", name);
    return 0;
  });
}
