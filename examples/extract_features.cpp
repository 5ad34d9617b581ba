// Features of images by any encoder: one row per image as .npy and .csv, written batch by batch. An
// image that cannot be read is reported by its name and left out; the exit code is then 2.

#include <unistd.h>

#include <cstdio>
#include <new>
#include <optional>

#include "support/checkpoint_options.hpp"
#include "support/feature_files.hpp"
#include "support/out.hpp"
#include "support/picture_options.hpp"
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

/// Pixels of a picture as the model takes them, or nothing, and a line that says why: one picture
/// never ends a run of many.
std::optional<Tensor<float, 3>> try_read(const std::string& path, const io::ReadOptions& options,
                                         const io::Preprocessing& how, bool in_progress) {
  const auto skip = [&](const char* why) {
    std::fprintf(stderr, "%sskipped: %s\n", in_progress ? "\r" : "", why);
  };
  try {
    const io::Image image = example::read_picture(path, options);
    try {
      return io::preprocess<float>(image, how);
    } catch (const std::invalid_argument& error) {  // a proportion that cannot be cut
      skip((path + ": " + error.what()).c_str());
    }
  } catch (const std::bad_alloc&) {
    skip((path + ": memory does not suffice").c_str());
  } catch (const std::runtime_error& error) {
    skip(error.what());
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes the features of images as .npy and .csv");
  std::vector<std::string> pictures;
  std::string weights, pool = "mean", out = "features";
  std::size_t batch = 16;
  Index threads = 0;
  app.add_option("IMAGES", pictures, "PNG, JPEG and (with libwebp) WebP files")->required();
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
  const example::PictureFlags picture_flags(app);
  return example::run_program(app, argc, argv, [&] {
    example::require_folder_of(out);
    const ExecutionScope scope({.threads = threads});
    const io::Checkpoint file =
        io::open_checkpoint(std::filesystem::path(weights), flags.options());
    io::LoadOptions options = load.options();
    options.mmap = true;
    auto encoder = io::load_encoder<float>(file, options);
    example::require_color(file, encoder.config.in_chans);
    if (pool == "cls" && !encoder.config.class_token) {
      throw std::runtime_error(weights + ": has no class token; use --pool mean");
    }
    if (pool == "cls" && encoder.fc_norm) {
      throw std::runtime_error(weights + ": normalizes the mean alone (fc_norm); use --pool mean");
    }
    encoder.config.global_pool = pool == "cls" ? GlobalPool::token : GlobalPool::avg;
    example::print_assumptions(file);
    const auto known = io::known_preprocessing(file, encoder.config.image_size);
    const io::Preprocessing& how = *known.value;
    print("images: ", io::preprocessing_text(how), " (", known.from, ")");

    example::FeatureFiles files(out);
    std::vector<std::string> names;  // of the images that wait
    std::vector<Tensor<float, 3>> waiting;
    std::vector<Index> row_shape;
    const auto flush = [&] {
      if (waiting.empty()) return;
      Tensor<float, 4> images({std::ssize(waiting), 3, how.size.height, how.size.width});
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        std::copy(waiting[i].begin(), waiting[i].end(),
                  images.data() + static_cast<Index>(i) * waiting[i].size());
      }
      const Tensor<float, 3> tokens = encoder.encode(images).value();
      const Tensor<float, 2> rows = features_of(encoder, tokens, pool);
      row_shape = pool == "none" ? std::vector<Index>{tokens.dim(1), tokens.dim(2)}
                                 : std::vector<Index>{rows.dim(1)};
      files.add(names, row_shape, rows.values());
      names.clear();
      waiting.clear();
    };
    std::size_t broken = 0;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const io::ReadOptions reading = picture_flags.options();
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (auto image = try_read(pictures[i], reading, how, terminal)) {
        waiting.push_back(std::move(*image));
        names.push_back(pictures[i]);
      } else {
        ++broken;
      }
      if (waiting.size() == batch || i + 1 == pictures.size()) flush();
      if (terminal || i + 1 == pictures.size()) show_progress(i + 1, pictures.size());
    }
    if (files.count() == 0) {
      files.remove();
      throw std::runtime_error("none of the images could be read");
    }
    files.finish();
    print(out, ".npy and ", out, ".csv: ", files.count(), " images, ",
          pool == "none" ? concat(row_shape[0], " tokens of ", row_shape[1])
                         : concat(row_shape[0], " features"),
          broken > 0 ? concat("; ", broken, " skipped") : "");
    return broken > 0 ? 2 : 0;
  });
}
