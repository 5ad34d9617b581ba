// Writes a weights file in the names of another library, as safetensors.

#include "support/checkpoint_options.hpp"
#include "support/print.hpp"
#include "support/run.hpp"
#include "tessera/io/weights.hpp"

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
  std::string path, naming, out = "converted.safetensors", dtype;
  bool encoder_only = false;
  std::vector<std::string> known;
  for (const io::Naming& each : io::namings) known.emplace_back(each.id);
  app.add_option("FILE", path, "any weights file that inspect knows")->required();
  app.add_option("--to", naming, "naming of the new file")->required()->check(CLI::IsMember(known));
  app.add_option("--out", out,
                 "safetensors file to write; in a folder, model.safetensors, and for Hugging Face "
                 "config.json")
      ->capture_default_str();
  app.add_option("--dtype", dtype, "to store: f32, f16 or bf16; else as in the file")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
  app.add_flag("--encoder-only", encoder_only, "leave a decoder out");
  const example::LoadFlags load(app);
  const example::CheckpointFlags flags(app);
  return example::run_program(app, argc, argv, [&] {
    const io::LoadOptions chosen = load.options();
    io::ConvertOptions options{.encoder_only = encoder_only,
                               .encoder = chosen.encoder,
                               .reject_non_finite = chosen.reject_non_finite};
    if (!dtype.empty()) options.dtype = dtype_called(dtype);
    const io::Checkpoint file = io::open_checkpoint(std::filesystem::path(path), flags.options());
    if (!file.unused_config.empty()) print("not used: ", file.unused_config);
    const bool folder = std::filesystem::is_directory(out);
    const std::filesystem::path weights =
        folder ? std::filesystem::path(out) / "model.safetensors" : std::filesystem::path(out);
    std::string config;  // before anything is written: it may ask for what is not known
    if (folder && naming.starts_with("hugging_face")) {
      config = io::hugging_face_config(file, io::read_facts(file),
                                       encoder_only || options.encoder.has_value());
    }
    const io::ExportReport report = io::convert_weights(file, weights, naming, options);
    print(weights.string(), ": ", report.written.size(), " tensors, from ", file.naming_id(),
          " to ", naming);
    for (const std::string& name : report.left_out) print("left out: ", name);
    if (!config.empty()) {
      const std::filesystem::path beside = std::filesystem::path(out) / "config.json";
      io::write_file(beside, std::as_bytes(std::span(config)));
      print(beside.string(), ": the model for Hugging Face");
    }
    return 0;
  });
}
