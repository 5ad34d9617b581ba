// Features of images by any encoder: one row per image as .npy and .csv. An image that cannot be
// read is reported and left out; the exit code is then 2.

#include <unistd.h>

#include <cstdio>

#include "support/checkpoint_options.hpp"
#include "support/npy.hpp"
#include "support/out.hpp"
#include "support/print.hpp"
#include "support/run.hpp"
#include "tessera/core/threads/execution.hpp"
#include "tessera/io/image.hpp"
#include "tessera/io/preprocessing.hpp"
#include "tessera/io/weights.hpp"

using namespace tessera;
using example::print;

namespace {

/// Encoded tokens [B, L, D] -> one feature per image [B, D], or all tokens [B, L, D] as rows.
Tensor<float, 2> features_of(const MaskedVisionTransformer<float>& encoder,
                             const Tensor<float, 3>& tokens, const std::string& pool) {
  if (pool != "none") return encoder.pool(Var(tokens)).value();
  Tensor<float, 3> all = tokens;
  return std::move(all).reshaped(Shape<2>{tokens.dim(0), tokens.dim(1) * tokens.dim(2)});
}

void show_progress(std::size_t done, std::size_t total) {
  constexpr std::size_t width = 24;
  const std::size_t filled = done * width / total;
  std::fprintf(stderr, "\r[%s%s] %zu of %zu images%s", std::string(filled, '#').c_str(),
               std::string(width - filled, '.').c_str(), done, total, done == total ? "\n" : "");
}

std::string csv_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes the features of images as .npy and .csv");
  std::vector<std::string> pictures;
  std::string weights, pool = "mean", out = "features";
  std::size_t batch = 16;
  Index threads = 0;
  app.add_option("IMAGES", pictures, "PNG and JPEG files")->required();
  app.add_option("--weights", weights, "file with an encoder")->required();
  app.add_option("--pool", pool, "cls: first token, mean: of the patches, none: all tokens")
      ->capture_default_str()
      ->check(CLI::IsMember({"cls", "mean", "none"}));
  app.add_option("--out", out, "where .npy and .csv are added")->capture_default_str();
  app.add_option("--batch", batch, "images at a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", threads, "0: one per processor")->capture_default_str();
  const example::LoadFlags load(app);
  const example::CheckpointFlags flags(app);
  return example::run_program(app, argc, argv, [&] {
    example::require_folder_of(out);
    const ExecutionScope scope({.threads = threads});
    const io::Checkpoint file =
        io::open_checkpoint(std::filesystem::path(weights), flags.options());
    io::LoadOptions options = load.options();
    options.mmap = true;
    auto encoder = io::load_encoder<float>(file, options);
    example::require_colour(file, encoder.config.in_chans);
    if (pool == "cls" && !encoder.config.class_token) {
      throw std::runtime_error(weights + ": has no class token; use --pool mean");
    }
    if (pool == "cls" && encoder.fc_norm) {
      throw std::runtime_error(weights + ": normalises the mean alone (fc_norm); use --pool mean");
    }
    encoder.config.global_pool = pool == "cls" ? GlobalPool::token : GlobalPool::avg;
    example::print_assumptions(file);
    const auto known = io::known_preprocessing(file, encoder.config.image_size);
    const io::Preprocessing& how = *known.value;
    print("images: ", io::preprocessing_text(how), " (", known.from, ")");

    std::vector<float> features;
    std::vector<std::string> names;
    Shape<3> shape{0, 0, 0};  // [image, token, feature]
    std::vector<Tensor<float, 3>> waiting;
    const auto flush = [&] {
      if (waiting.empty()) return;
      Tensor<float, 4> images({std::ssize(waiting), 3, how.size.height, how.size.width});
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        std::copy(waiting[i].begin(), waiting[i].end(),
                  images.data() + static_cast<Index>(i) * waiting[i].size());
      }
      const Tensor<float, 3> tokens = encoder.encode(images).value();
      const Tensor<float, 2> rows = features_of(encoder, tokens, pool);
      features.insert(features.end(), rows.begin(), rows.end());
      shape = {static_cast<Index>(names.size()), tokens.dim(1), tokens.dim(2)};
      waiting.clear();
    };
    std::size_t broken = 0;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      try {
        waiting.push_back(io::preprocess<float>(io::read_image(pictures[i]), how));
        names.push_back(pictures[i]);
      } catch (const std::runtime_error& error) {
        std::fprintf(stderr, "%sskipped: %s\n", terminal ? "\r" : "", error.what());
        ++broken;
      }
      if (waiting.size() == batch || i + 1 == pictures.size()) flush();
      if (terminal || i + 1 == pictures.size()) show_progress(i + 1, pictures.size());
    }
    if (names.empty()) throw std::runtime_error("none of the images could be read");

    const Index width = std::ssize(features) / std::ssize(names);
    const std::vector<Index> npy_shape = pool == "none"
                                             ? std::vector<Index>(shape.begin(), shape.end())
                                             : std::vector<Index>{shape[0], width};
    example::write_npy(out + ".npy", npy_shape, features);
    io::replace_file(out + ".csv", [&](io::OutputFile& csv) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        std::string line = csv_text(names[i]);
        for (Index k = 0; k < width; ++k) {
          const std::size_t at = i * static_cast<std::size_t>(width) + static_cast<std::size_t>(k);
          line += ',';
          line += io::number_text(features[at]);
        }
        line += '\n';
        csv.write(std::as_bytes(std::span(line)));
      }
    });
    print(out, ".npy and ", out, ".csv: ", names.size(), " images, ",
          pool == "none" ? concat(shape[1], " tokens of ", shape[2]) : concat(width, " features"),
          broken > 0 ? concat("; ", broken, " skipped") : "");
    return broken > 0 ? 2 : 0;
  });
}
