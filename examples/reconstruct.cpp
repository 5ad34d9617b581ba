// Shows an MAE at work: of an image it sees a quarter of the patches and rebuilds the rest. The
// picture is right for models of raw and of normalized pixels; which one a file holds is read from
// it, or asked for.

#include "support/checkpoint_options.hpp"
#include "support/out.hpp"
#include "support/picture.hpp"
#include "support/picture_options.hpp"
#include "support/print.hpp"
#include "support/run.hpp"
#include "tessera/core/threads/execution.hpp"
#include "tessera/io/image.hpp"
#include "tessera/io/preprocessing.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/masking/random/random_token_mask.hpp"

using namespace tessera;
using example::print;

int main(int argc, char** argv) {
  CLI::App app("Rebuilds the masked patches of an image: original | masked | rebuilt");
  std::string picture, weights, out = "reconstruction.png";
  double ratio = 0.75;
  std::uint64_t seed = 0;
  Index threads = 0;
  app.add_option("IMAGE", picture, "PNG, JPEG or (with libwebp) WebP")->required();
  app.add_option("--weights", weights, "MAE with its decoder")->required();
  app.add_option("--out", out, "PNG to write")->capture_default_str();
  app.add_option("--mask-ratio", ratio, "share of the patches to mask")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", seed, "of the mask")->capture_default_str();
  app.add_option("--threads", threads, "0: one per processor")->capture_default_str();
  bool reject_non_finite = false;
  app.add_flag("--reject-non-finite", reject_non_finite, "refuse weights with NaN or infinity");
  const example::CheckpointFlags flags(app);
  const example::PictureFlags picture_flags(app);
  return example::run_program(app, argc, argv, [&] {
    if (!(ratio > 0)) throw std::runtime_error("--mask-ratio 0 masks nothing to rebuild");
    example::require_folder_of(out);
    const ExecutionScope scope({.threads = threads});
    const io::Checkpoint file =
        io::open_checkpoint(std::filesystem::path(weights), flags.options());
    const auto mae =
        io::load_mae<float>(file, {.reject_non_finite = reject_non_finite, .mmap = true});
    const MaskedVisionTransformerConfig& config = mae.encoder.config;
    example::require_color(file, config.in_chans);
    example::print_assumptions(file);
    const io::Preprocessing how = io::preprocessing_for(file, config.image_size);
    if (how.size != config.image_size) {
      throw std::runtime_error(concat(weights, ": its settings make pictures of ", how.size,
                                      " pixels, but the model takes ", config.image_size));
    }
    const io::Image image =
        io::fit_image(example::read_picture(picture, picture_flags.options()), how);
    const auto images = io::to_batch<float>({{image}}, how.normalization);

    Generator generator(seed);
    const Index prefix = mae.encoder.num_prefix_tokens();
    const KeepMask tokens =
        random_token_mask({1, mae.encoder.sequence_length()},
                          {.mask_ratio = ratio, .num_prefix_tokens = prefix}, generator);
    if (tokens.idx_mask.dim(1) == 0) {
      throw std::runtime_error(concat("--mask-ratio ", ratio, " masks none of ",
                                      mae.encoder.grid().count(), " patches"));
    }
    const auto rebuilt = mae.reconstruct(images, tokens.idx_keep, tokens.idx_mask);
    const auto loss = mae.loss(images, tokens.idx_keep, tokens.idx_mask);
    io::write_png(
        out, io::side_by_side(
                 {image, example::with_masked(image, tokens.idx_mask, 0, config.patch_size, prefix),
                  io::to_image(rebuilt.prediction, 0, how.normalization)},
                 8));
    print(
        "loss ", loss.value().item(), " over ", tokens.idx_mask.dim(1), " masked patches of ",
        config.patch_size, " x ", config.patch_size, " pixels, ",
        mae.norm_pix_loss ? "each normalized: brightness and contrast are the original's" : "raw");
    print("picture: ", out, ": original | masked | rebuilt");
    return 0;
  });
}
