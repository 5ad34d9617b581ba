// A photo through I-JEPA: from what the context encoder makes of one large block, the predictor
// says what the target encoder makes of four others. Everything happens in feature space; the
// picture shows the blocks. The weights are random; 04_ijepa_pretrain trains. Expected output:
//
//   images      [1, 3, 224, 224]
//   context     [1, 46]  of 196 patches
//   predicted   [4, 30, 384]  four target blocks
//   target      [4, 30, 384]
//   parameters  65.0 million
//   loss        0.471652
//   forward     ... ms on 2 thread(s)
//   picture     ijepa_masks.png: photo | context, target blocks in color

#include "support/picture.hpp"
#include "support/print.hpp"
#include "support/program.hpp"
#include "support/timing.hpp"
#include "tessera/io/image.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;
using example::fixed;
using example::print;

namespace {

constexpr Index side = 224;       // pixels, of the published models
constexpr Index enlargement = 2;  // of the picture

constexpr std::array<example::Color, 4> colors{
    {{230, 75, 60}, {40, 140, 230}, {250, 190, 30}, {50, 180, 90}}};

/// The context as it is, the rest faded, each target block in a color.
io::Image drawn(io::Image image, const MultiBlockMasks& masks, Index patch) {
  const Index patches = image.dim(0) / patch * (image.dim(1) / patch);
  for (const Index i : complement(masks.masks_context[0], patches)) {
    example::tint(image, example::patch_box(image, patch, i), example::white, 0.8);
  }
  std::vector<io::ImageBox> blocks;  // rectangles, their patches in order
  for (const TokenIndex& target : masks.masks_target) {
    const auto first = example::patch_box(image, patch, target(0, 0));
    const auto last = example::patch_box(image, patch, target(0, target.dim(1) - 1));
    blocks.push_back(
        {first.top, first.left, last.top + patch - first.top, last.left + patch - first.left});
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    example::tint(image, blocks[i], colors[i], 0.25);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    example::outline(image, blocks[i], colors[i], 5);
  }
  return image;
}

}  // namespace

int main(int argc, char** argv) {
  example::Program program("A photo through I-JEPA with random weights", "ijepa_masks.png",
                           7);  // a seed whose blocks hardly overlap
  std::string photo = TESSERA_PHOTO_DIR "/chelsea.jpg";
  std::string model = "ijepa_vit_small_patch16";
  program.app.add_option("photo", photo, "PNG or JPEG")->capture_default_str();
  program.app.add_option("--model", model, "ijepa_vit_{tiny,small,base,large,huge,giant}_patch<N>")
      ->capture_default_str();

  return program.run(argc, argv, [&] {
    const io::Image image = io::center_crop(
        io::resize_shorter_side(io::read_image(photo), side, io::Filter::bicubic), side);
    const Tensor<float, 4> images = io::to_batch<float>({{image}});

    const IJEPAConfig config = ijepa_config(model);
    const Index patch = config.encoder.patch_size;
    Generator generator(program.seed);
    const MultiBlockMaskSampler sampler({.image_size = side, .patch_size = patch});
    const MultiBlockMasks masks = sampler.sample(1, program.seed, generator);
    IJEPA<float> ijepa(config);
    initialize(ijepa, InitRecipe::ijepa, generator);

    const auto predicted = ijepa.forward_context(images, masks.masks_context, masks.masks_target);
    const auto target = ijepa.forward_target(images, masks.masks_context, masks.masks_target);
    const auto loss = smooth_l1_loss(predicted, target);
    const double milliseconds = example::median_milliseconds(
        [&] { return ijepa.loss(images, masks.masks_context, masks.masks_target); });

    print("images      ", images.shape());
    print("context     ", masks.masks_context[0].shape(), "  of ", ijepa.encoder.sequence_length(),
          " patches");
    print("predicted   ", predicted.shape(), "  four target blocks");
    print("target      ", target.shape());
    print("parameters  ", fixed(static_cast<double>(parameter_count(ijepa)) / 1e6, 1), " million");
    print("loss        ", loss.value().item());
    print("forward     ", fixed(milliseconds, 1), " ms on ", current_threads(), " thread(s)");

    const io::Image large = io::resize(image, enlargement * side, io::Filter::bicubic);
    io::write_png(program.output(),
                  io::side_by_side({large, drawn(large, masks, enlargement * patch)}, 8));
    print("picture     ", program.output().string(), ": photo | context, target blocks in color");
    print("The weights are random; 04_ijepa_pretrain trains some.");
    return 0;
  });
}
