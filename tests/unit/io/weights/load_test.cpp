#include "tessera/io/weights/load.hpp"

#include <functional>
#include <limits>

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/models/random_model.hpp"
#include "tessera/io/weights/export.hpp"
#include "tessera/io/weights/save.hpp"
#include "tessera/nn/pack_weights.hpp"
#include "tessera/ops/losses.hpp"
#include "tessera/train/adamw.hpp"

namespace tessera::io::test {

namespace {

using Vit = MaskedVisionTransformer<float>;
using kernels::Bicubic;

std::vector<float> values_of(const auto& model) {
  std::vector<float> all;
  for (const auto& parameter : named_parameters(model)) {
    all.insert(all.end(), parameter.values.begin(), parameter.values.end());
  }
  return all;
}

/// Loads a changed copy of a file; a load that throws must leave the model as it was. Returns the
/// error after the name of the file, "" if there is none.
template <class Model>
std::string load_changed(const std::string& name, const std::function<void(EditedFile&)>& change,
                         Model& model, const LoadOptions& options = {},
                         LoadReport* report = nullptr) {
  const ScratchFolder folder;
  EditedFile file(name);
  change(file);
  const auto path = file.write(folder / "f.safetensors");
  const std::vector<float> before = values_of(model);
  try {
    const LoadReport made = load_weights(path, model, options);
    if (report != nullptr) *report = made;
    return "";
  } catch (const std::runtime_error& error) {
    CHECK(values_of(model) == before);
    const std::string text = error.what();
    REQUIRE(text.starts_with(path.string() + ": "));
    return text.substr(path.string().size() + 2);
  }
}

void unchanged(EditedFile&) {}

/// timm_fc_norm_head and others of its size: width 12, patches of 2 in 8 x 8.
Vit vit_of(const std::string& name, CheckpointOptions options = {}) {
  const Checkpoint file = open_checkpoint(Case(name).path(), std::move(options));
  Vit vit(encoder_config(file, read_facts(file)));
  tessera::test::randomize(vit, 3);
  return vit;
}

const std::string misfit = "does not fit the model (naming timm): ";

}  // namespace

TEST_CASE("a report names what was loaded, kept and left out") {
  const Case published("timm_fc_norm_head");
  Vit vit = vit_of(published.name(), published.options());
  const LoadReport report = load_weights(published.path(), vit);
  CHECK(report.file == published.path().string());
  CHECK(report.naming == "timm");
  CHECK(report.loaded.size() == 18);
  CHECK(report.kept == std::vector<std::string>{"mask_token"});
  CHECK(report.heads == std::vector<std::string>{"head.bias", "head.weight"});
  CHECK(report.converted.empty());
  CHECK(report.missing.empty());
  CHECK(report.unexpected.empty());

  Vit half = vit_of("hf_vit_f16");
  const LoadReport converted = load_weights(Case("hf_vit_f16").path(), half);
  CHECK(converted.converted == converted.loaded);
}

TEST_CASE("a tensor too few, too many, renamed or of another shape is refused and named") {
  Vit vit = vit_of("timm_fc_norm_head", {.num_heads = 3});
  const auto error_after = [&](const std::function<void(EditedFile&)>& change) {
    return load_changed("timm_fc_norm_head", change, vit);
  };
  CHECK(error_after([](EditedFile& f) { f.tensors.erase("blocks.0.norm2.bias"); }) ==
        misfit + "missing blocks.0.norm2.bias");
  CHECK(error_after([](EditedFile& f) { f.add("blocks.0.norm3.bias", {12}); }) ==
        misfit + "unexpected blocks.0.norm3.bias");
  CHECK(error_after([](EditedFile& f) {
          f.rename("blocks.0.norm2.bias", "blocks.0.norm2.beta");
        }) == misfit + "missing blocks.0.norm2.bias; unexpected blocks.0.norm2.beta");
  CHECK(error_after([](EditedFile& f) { f.add("blocks.0.norm2.bias", {13}); }) ==
        misfit + "wrong shape: blocks.0.norm2.bias is [13] in the file, [12] in the model");
  CHECK(error_after([](EditedFile& f) { f.add("blocks.0.norm2.bias", {3, 4}); }) ==
        misfit + "wrong shape: blocks.0.norm2.bias is [3, 4] in the file, [12] in the model");
  CHECK(error_after([](EditedFile& f) { f.add("reg_token", {1, 2, 12}); }).starts_with(misfit));
  // A block more, of which the model has no place.
  CHECK(error_after([](EditedFile& f) {
          EditedFile more = f;
          for (const auto& [name, tensor] : f.tensors) {
            if (name.starts_with("blocks.0.")) more.tensors["blocks.1." + name.substr(9)] = tensor;
          }
          f = more;
        }) == misfit +
                  "unexpected blocks.1.attn.proj.bias, blocks.1.attn.proj.weight, "
                  "blocks.1.attn.qkv.bias and 9 more");
}

TEST_CASE("a stored type that does not fit is refused, and nothing has changed") {
  Vit vit = vit_of("timm_fc_norm_head", {.num_heads = 3});
  const ScratchFolder folder;
  const TensorSource source = open_tensors(Case("timm_fc_norm_head").path());
  const auto write_with = [&](const auto& odd) {
    SafetensorsWriter writer;
    EditedFile file(source);
    for (const auto& [name, tensor] : file.tensors) {
      if (name != "norm.weight" && name != "fc_norm.weight") {
        writer.add<float>(name, tensor.shape, tensor.values);
      }
    }
    writer.add("fc_norm.weight", odd);
    writer.write(folder / "f.safetensors");
  };
  const std::vector<float> before = values_of(vit);
  const auto error = [&] {
    return file_error([&] { load_weights(folder / "f.safetensors", vit); })
        .substr((folder / "f.safetensors: ").string().size());
  };
  write_with(Tensor<std::int64_t, 1>({12}));
  CHECK(error() == "tensor 'fc_norm.weight': is stored as I64, which is not read as F32");
  Tensor<double, 1> large({12});
  large(7) = 1e200;
  write_with(large);
  CHECK(error() == "tensor 'fc_norm.weight': element 7 is no value of F32");
  CHECK(values_of(vit) == before);
}

TEST_CASE("NaN and infinity are refused on request") {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Vit vit = vit_of("timm_fc_norm_head", {.num_heads = 3});
    const auto spoil = [&](EditedFile& f) {
      f.tensors["blocks.0.mlp.fc1.weight"].values[200] = value;
    };
    CHECK(load_changed("timm_fc_norm_head", spoil, vit, {.reject_non_finite = true}) ==
          "tensor 'blocks.0.mlp.fc1.weight': holds NaN or infinity");
    CHECK(load_changed("timm_fc_norm_head", spoil, vit) == "");
  }
}

TEST_CASE("allow_missing leaves what is not there, and nothing else") {
  Vit vit = vit_of("timm_fc_norm_head", {.num_heads = 3});
  const Tensor<float, 1> bias = vit.blocks[0].norm2.bias.value;
  LoadReport report;
  CHECK(load_changed(
            "timm_fc_norm_head", [](EditedFile& f) { f.tensors.erase("blocks.0.norm2.bias"); }, vit,
            {.allow_missing = true}, &report) == "");
  CHECK(report.missing == std::vector<std::string>{"blocks.0.norm2.bias"});
  CHECK(vit.blocks[0].norm2.bias.value == bias);
  CHECK(load_changed("timm_fc_norm_head", [](EditedFile& f) { f.add("extra", {1}); }, vit,
                     {.allow_missing = true}) == misfit + "unexpected extra");
}

TEST_CASE("encoder and decoder do not replace each other silently") {
  const Case published("mae_visualize");
  const Checkpoint file = published.open();
  Vit vit(encoder_config(file, read_facts(file)));
  CHECK(file_error([&] { load_weights(file, vit); }) ==
        published.path().string() +
            ": does not fit the model (naming mae): unexpected decoder_blocks.0.attn.proj.bias, "
            "decoder_blocks.0.attn.proj.weight, decoder_blocks.0.attn.qkv.bias and 29 more; the "
            "file holds more than an encoder: encoder_only takes just that");
  const LoadReport report = load_weights(file, vit, {.encoder_only = true});
  CHECK(report.skipped.size() == 32);

  MAE<float> mae(mae_config(file, read_facts(file)));
  tessera::test::randomize(mae, 4);
  const Tensor<float, 2> head = mae.prediction_head.weight.value;
  CHECK(load_changed(
            "mae_visualize",
            [](EditedFile& f) {
              std::erase_if(f.tensors, [](const auto& tensor) {
                return tensor.first.find("decoder") != std::string::npos ||
                       tensor.first == "model.mask_token";
              });
            },
            mae) ==
        "does not fit the model (naming timm): missing decoder_embed.weight, decoder_embed.bias, "
        "decoder.mask_token and 29 more; the file holds an encoder alone: encoder_only leaves the "
        "decoder as it is");
  const LoadReport part = load_weights(file, mae, {.encoder_only = true});
  CHECK(part.kept.size() == 33);  // and the encoder's mask token
  CHECK(mae.prediction_head.weight.value == head);
  CHECK(values_of(mae.encoder.blocks[0]) == values_of(vit.blocks[0]));
}

TEST_CASE("of an I-JEPA file the encoder must be chosen") {
  const Case published("ijepa_zip");
  const Checkpoint file = published.open();
  CHECK(file_error([&] { (void)load_encoder<float>(file); }) ==
        published.path().string() +
            ": holds a context and a target encoder; choose one with encoder");
  const auto context = load_encoder<float>(file, {.encoder = EncoderChoice::context});
  const auto target = load_encoder<float>(file, {.encoder = EncoderChoice::target});
  const auto ijepa = load_ijepa<float>(file);
  CHECK(values_of(context.blocks[0]) == values_of(ijepa.encoder.blocks[0]));
  CHECK(values_of(target.blocks[0]) == values_of(ijepa.target_encoder.blocks[0]));
  CHECK_FALSE(values_of(context.blocks[0]) == values_of(target.blocks[0]));
}

TEST_CASE("a number of heads that the file contradicts is refused") {
  Vit vit(MaskedVisionTransformerConfig{.image_size = {8, 8},
                                        .patch_size = 2,
                                        .embed_dim = 12,
                                        .depth = 1,
                                        .num_heads = 4,
                                        .mlp_ratio = 20.0 / 12});
  const auto path = Case("hf_mae_encoder").path();
  CHECK(file_error([&] { load_weights(path, vit); }) ==
        path.string() +
            ": num_heads is 3 (config.json), but 4 in the model; if the file is wrong, "
            "give num_heads");
}

TEST_CASE("positions of another grid need a kernel to resample with") {
  MaskedVisionTransformerConfig config = vit_of("timm_fc_norm_head", {.num_heads = 3}).config;
  config.image_size = {12, 6};
  Vit vit(config);
  CHECK(load_changed("timm_fc_norm_head", unchanged, vit) ==
        misfit +
            "wrong shape: pos_embed is [1, 17, 12] in the file, [1, 19, 12] in the model, "
            "which has 6 x 3 patches: give resize_position_embedding");
  for (const Bicubic filter : {Bicubic::plain, Bicubic::antialias}) {
    LoadReport report;
    CHECK(load_changed("timm_fc_norm_head", unchanged, vit, {.resize_position_embedding = filter},
                       &report) == "");
    CHECK(report.resized == std::vector<std::string>{"pos_embed"});
    const auto stored = open_tensors(Case("timm_fc_norm_head").path()).read<float, 3>("pos_embed");
    CHECK(vit.pos_embed.value == adapt_positions(stored, {1, {4, 4}}, {1, {6, 3}}, filter));
  }
  // As many patches, but laid out otherwise: told only where the file says its grid.
  const Case wide("timm_hub_head");
  const Checkpoint file = wide.open();
  MaskedVisionTransformerConfig turned = encoder_config(file, read_facts(file));
  turned.image_size = {10, 8};
  Vit other(turned);
  CHECK(file_error([&] { load_weights(file, other); }) ==
        wide.path().string() +
            ": does not fit the model (naming timm): wrong shape: pos_embed is "
            "[1, 21, 12] in the file, [1, 21, 12] in the model, which has 5 x 4 "
            "patches, not 4 x 5: give resize_position_embedding");
}

TEST_CASE("an MAE resamples its decoder's positions as well") {
  const Checkpoint file = Case("mae_training_raw").open();
  MAEConfig config = mae_config(file, read_facts(file));
  config.encoder.image_size = {12, 12};
  MAE<float> mae(config);
  const LoadReport report = load_weights(file, mae, {.resize_position_embedding = Bicubic::plain});
  CHECK(report.resized == std::vector<std::string>{"encoder.pos_embed", "decoder.pos_embed"});
}

TEST_CASE("channels are adapted on request") {
  MaskedVisionTransformerConfig config = vit_of("timm_fc_norm_head", {.num_heads = 3}).config;
  for (const Index channels : {1, 4}) {
    config.in_chans = channels;
    Vit vit(config);
    CHECK(load_changed("timm_fc_norm_head", unchanged, vit) ==
          misfit +
              concat("wrong shape: patch_embed.proj.weight is [12, 3, 2, 2] in the file, [12, ",
                     channels, ", 2, 2] in the model: give adapt_input_channels"));
    LoadReport report;
    CHECK(load_changed("timm_fc_norm_head", unchanged, vit, {.adapt_input_channels = true},
                       &report) == "");
    CHECK(report.resized == std::vector<std::string>{"patch_embed.proj.weight"});
    CHECK(vit.patch_embed.proj.weight.value ==
          adapt_channels(open_tensors(Case("timm_fc_norm_head").path())
                             .read<float, 4>("patch_embed.proj.weight"),
                         channels));
  }
  config.in_chans = 3;
  Vit three(config);
  CHECK(load_changed("timm_fc_norm_head",
                     [](EditedFile& f) { f.add("patch_embed.proj.weight", {12, 4, 2, 2}); }, three,
                     {.adapt_input_channels = true}) ==
        misfit +
            "wrong shape: patch_embed.proj.weight is [12, 4, 2, 2] in the file, [12, 3, 2, 2] "
            "in the model");
}

TEST_CASE("positions of the prefix are rewritten only where the numbers stay the same") {
  // DINOv2 with registers has a row for the class token; a model with rows for registers too gets
  // zeros there, one without any folds it into the class token. Both compute the same.
  const Case published("dinov2_registers");
  const Checkpoint file = published.open();
  MaskedVisionTransformerConfig config = encoder_config(file, read_facts(file));
  CHECK(config.no_embed_class);
  const auto folded = load_encoder<float>(file);
  config.no_embed_class = false;
  Vit rows(config);
  load_weights(file, rows);
  CHECK(rows.pos_embed.value.dim(1) == 21);
  CHECK(rows.pos_embed.value(0, 1, 0) == 0);
  const auto images = published.expected.tensor<float, 4>("input.images");
  CHECK(tessera::test::relative_difference<float>(
            rows.encode(images).value().values(),
            folded.encode(images).value().cast<double>().values()) < 2e-6);

  // Rows of registers cannot go anywhere.
  const Case embedded("timm_registers_embedded");
  const Checkpoint with_rows = embedded.open();
  MaskedVisionTransformerConfig without = encoder_config(with_rows, read_facts(with_rows));
  without.no_embed_class = true;
  Vit vit(without);
  CHECK(
      file_error([&] {
        load_weights(with_rows, vit);
      }).ends_with("wrong shape: pos_embed is [1, 23, 12] in the file, [1, 20, 12] in the model"));
}

TEST_CASE("a module of one's own takes files of its own names") {
  const ScratchFolder folder;
  EditedFile file;
  file.add("weight", {2, 3});
  file.metadata = {{"tessera.naming", "tessera"}};
  Linear<float> layer(3, 2, false);
  CHECK(load_weights(file.write(folder / "l.safetensors"), layer).summary() ==
        "tessera: 1 tensors loaded");
  CHECK(layer.weight.value == Tensor<float, 2>({2, 3}, 0.5F));
  Linear<float> biased(3, 2);
  CHECK(file_error([&] { load_weights(folder / "l.safetensors", biased); }) ==
        (folder / "l.safetensors").string() +
            ": does not fit the model (naming tessera): missing bias");
}

TEST_CASE("encoder_only skips what is no part of the encoder, and nothing of it") {
  const Case published("mae_visualize");
  const Checkpoint file = published.open();
  Vit vit(encoder_config(file, read_facts(file)));
  const LoadOptions part{.encoder_only = true};
  const auto error_after = [&](const std::function<void(EditedFile&)>& change) {
    return load_changed("mae_visualize", change, vit, part);
  };
  CHECK(error_after(unchanged) == "");
  const std::string mae = "does not fit the model (naming mae): ";
  CHECK(error_after([](EditedFile& f) {
          EditedFile more = f;
          for (const auto& [name, tensor] : f.tensors) {
            if (name.starts_with("model.blocks.0.")) {
              more.tensors["model.blocks.1." + name.substr(15)] = tensor;
            }
          }
          f = more;
        }) == mae +
                  "unexpected blocks.1.attn.proj.bias, blocks.1.attn.proj.weight, "
                  "blocks.1.attn.qkv.bias and 9 more");
  CHECK(error_after([](EditedFile& f) { f.add("model.blocks.0.ls1.gamma", {16}); }) ==
        mae + "unexpected blocks.0.ls1.gamma");
  // LayerScale, into a model without.
  const Checkpoint scaled = Case("timm_swiglu").open();
  MaskedVisionTransformerConfig config = encoder_config(scaled, read_facts(scaled));
  config.init_values.reset();
  Vit without(config);
  CHECK(file_error([&] {
          load_weights(scaled, without, part);
        }).ends_with("unexpected blocks.0.ls1.gamma, blocks.0.ls2.gamma"));
  // The other encoder of an I-JEPA is no part of the chosen one.
  const Checkpoint ijepa = Case("ijepa_zip").open();
  Vit target(encoder_config(ijepa, read_facts(ijepa)));
  const LoadReport report = load_weights(ijepa, target, {.encoder = EncoderChoice::target});
  CHECK(std::ranges::count(report.skipped, "encoder.module.norm.bias") == 1);
}

TEST_CASE("what shows in no shape must agree with the model, and both values are named") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const MAEConfig config{.encoder = {.image_size = {8, 8},
                                     .patch_size = 2,
                                     .embed_dim = 12,
                                     .depth = 1,
                                     .num_heads = 3},
                         .decoder_embed_dim = 8,
                         .decoder_depth = 1,
                         .decoder_num_heads = 2,
                         .norm_pix_loss = true};
  save_weights(path, MAE<float>(config));
  const auto error_with = [&](const auto& change) {
    MAEConfig other = config;
    change(other);
    MAE<float> mae(other);
    const std::string text = file_error([&] { load_weights(path, mae); });
    return text.substr(std::min(text.size(), path.string().size() + 2));
  };
  CHECK(error_with([](MAEConfig& c) { c.norm_pix_loss = false; }) ==
        "norm_pix_loss is true (metadata), but false in the model; if the file is wrong, give "
        "norm_pix_loss");
  CHECK(error_with([](MAEConfig& c) { c.encoder.layer_norm_eps = 1e-2; }) ==
        "layer_norm_eps is 1e-06 (metadata), but 0.01 in the model; if the file is wrong, give "
        "layer_norm_eps");
  CHECK(error_with([](MAEConfig& c) { c.encoder.num_heads = 4; }) ==
        "num_heads is 3 (metadata), but 4 in the model; if the file is wrong, give num_heads");
  CHECK(error_with([](MAEConfig& c) { c.decoder_num_heads = 4; }) ==
        "decoder_num_heads is 2 (metadata), but 4 in the model; if the file is wrong, give "
        "decoder_num_heads");
  save_weights(path, MAE<float>(config).encoder);
  MaskedVisionTransformerConfig average = config.encoder;
  average.global_pool = GlobalPool::avg;
  Vit vit(average);
  CHECK(file_error([&] { load_weights(path, vit); }) ==
        path.string() +
            ": global_pool is token (metadata), but avg in the model; if the file is wrong, "
            "give global_pool");
  load_weights(open_checkpoint(path, {.global_pool = GlobalPool::avg}), vit);
  // Pooling is no part of an MAE: whoever takes its encoder may pool otherwise.
  save_weights(path, MAE<float>(config));
  load_weights(path, vit, {.encoder_only = true});
  // A file that only usually pools the class token says nothing.
  const Case published("mae_encoder");
  MaskedVisionTransformerConfig other =
      encoder_config(published.open(), read_facts(published.open()));
  other.global_pool = GlobalPool::avg;
  Vit features(other);
  load_weights(published.open(), features);
}

TEST_CASE("as many patches in another grid are refused where the file says its grid") {
  const ScratchFolder folder;
  // The MAE code has square grids.
  const Checkpoint file = Case("mae_visualize").open();
  MAEConfig config = mae_config(file, read_facts(file));
  config.encoder.image_size = {4, 16};
  MAE<float> wide(config);
  CHECK(file_error([&] { load_weights(file, wide); })
            .find("encoder.pos_embed is [1, 5, 16] in the file, [1, 5, 16] in the model, which has "
                  "1 x 4 patches, not 2 x 2: give resize_position_embedding") != std::string::npos);
  // A decoder of ours has its grid in the metadata.
  MaskedVisionTransformerDecoderConfig decoder{
      .grid = {4, 4}, .num_prefix_tokens = 1, .embed_dim = 16, .depth = 1, .num_heads = 2};
  const auto path = folder / "d.safetensors";
  save_weights(path, MaskedVisionTransformerDecoder<float>(decoder));
  decoder.grid = {2, 8};
  MaskedVisionTransformerDecoder<float> other(decoder);
  CHECK(file_error([&] { load_weights(path, other); }).find("which has 2 x 8 patches, not 4 x 4") !=
        std::string::npos);
  load_weights(path, other, {.resize_position_embedding = Bicubic::plain});
}

TEST_CASE("leading ones may be missing from a mask token, and from nothing else") {
  const Case published("lightly_timm");
  const Checkpoint file = published.open();
  Vit vit(encoder_config(file, read_facts(file)));
  const Index dim = vit.config.embed_dim;
  const auto shaped = [&](const std::string& name, std::vector<Index> shape) {
    return load_changed(published.name(), [&](EditedFile& f) { f.add(name, shape); }, vit);
  };
  CHECK(shaped("mask_token", {1, dim}) == "");
  CHECK(shaped("mask_token", {dim}) == "");
  CHECK(shaped("vit.norm.weight", {1, dim}) ==
        concat("does not fit the model (naming lightly): wrong shape: norm.weight is [1, ", dim,
               "] in the file, [", dim, "] in the model"));
}

/// Of a size whose matrices are worth mapping.
MaskedVisionTransformerConfig mappable() {
  return {.image_size = {16, 16}, .patch_size = 4, .embed_dim = 64, .depth = 2, .num_heads = 4};
}

/// A ViT with weights of its own and the file that it is saved in.
struct SavedVit {
  ScratchFolder folder;
  std::filesystem::path path = folder / "vit.safetensors";
  Vit vit{mappable()};

  SavedVit() {
    tessera::test::randomize(vit, 3);
    save_weights(path, vit);
  }
};

template <class Model>
bool one_mapped_not_all(const Model& model, const LoadReport& report) {
  return report.mapped.size() >= 8 && report.mapped.size() < named_parameters(model).size();
}

TEST_CASE("with mmap weights stay in the file, and changes to the model do not reach it") {
  const SavedVit file_of;
  const auto& [folder, path, vit] = file_of;
  const std::vector<float> saved = values_of(vit);

  Vit mapped(mappable());
  {
    const Checkpoint file = open_checkpoint(path);
    const LoadReport report = load_weights(file, mapped, {.mmap = true});
    CHECK(one_mapped_not_all(mapped, report));
    CHECK(values_of(mapped) == saved);
    CHECK(tessera::detail::buffer_cache()->cached_bytes() ==
          0);  // what the parameters were in is gone
    for (const auto& parameter : named_parameters(mapped)) {
      std::ranges::fill(parameter.values, 1.0F);
    }
    Vit again(mappable());
    load_weights(file, again, {.mmap = true});
    CHECK(values_of(again) == saved);
    load_weights(file, again);
    CHECK(values_of(again) == saved);
  }
  CHECK(std::ranges::count(values_of(mapped), 1.0F) == std::ssize(saved));
  Vit copied(mappable());
  CHECK(load_weights(path, copied).mapped.empty());
  CHECK(values_of(copied) == saved);
}

TEST_CASE("a mapped model computes, copies, packs and trains as any other") {
  SavedVit file_of;
  auto& [folder, path, vit] = file_of;
  const Tensor<float, 4> images({2, 3, 16, 16}, 0.5F);
  const auto step = [&](Vit& model) {
    Tape<float> tape;
    AdamW<float> optimizer({.lr = 1e-2});
    const auto features = model.encode(Var(images, &tape));
    tape.backward(mse_loss(features, Var(Tensor<float, 3>(features.shape()))));
    optimizer.step(model, tape);
  };
  Vit mapped(mappable());
  load_weights(path, mapped, {.mmap = true});
  const Vit copy = mapped;  // memory of its own
  Vit packed(mappable());
  load_weights(path, packed, {.mmap = true});
  pack_weights(packed);
  const auto expected = vit.encode(images).value();
  CHECK(mapped.encode(images).value() == expected);
  CHECK(packed.encode(images).value() == expected);
  step(vit);
  step(mapped);
  CHECK(values_of(mapped) == values_of(vit));
  CHECK(mapped.encode(images).value() != expected);
  CHECK(copy.encode(images).value() == expected);
}

TEST_CASE("with mmap an MAE is loaded, and an encoder alone out of its file") {
  const ScratchFolder folder;
  const auto path = folder / "mae.safetensors";
  const MAEConfig config{.encoder = mappable(), .decoder_embed_dim = 64, .decoder_depth = 1};
  MAE<float> mae(config);
  tessera::test::randomize(mae, 5);
  save_weights(path, mae);
  MAE<float> mapped(config);
  CHECK(one_mapped_not_all(mapped, load_weights(path, mapped, {.mmap = true})));
  CHECK(values_of(mapped) == values_of(mae));

  Vit encoder(mappable());
  const LoadReport part = load_weights(path, encoder, {.encoder_only = true, .mmap = true});
  CHECK(one_mapped_not_all(encoder, part));
  CHECK(values_of(encoder) == values_of(mae.encoder));
}

TEST_CASE("with mmap what has to be made is copied beside what is mapped") {
  const ScratchFolder folder;
  const auto path = folder / "vit.safetensors";
  Vit vit(mappable());
  tessera::test::randomize(vit, 3);
  export_weights(path, vit, "hugging_face");  // q, k and v apart
  Vit joined(mappable());
  const LoadReport parts = load_weights(path, joined, {.mmap = true});
  joined.mask_token.value = vit.mask_token.value;  // of which that code has none
  CHECK(values_of(joined) == values_of(vit));
  CHECK(std::ranges::count(parts.mapped, "blocks.0.mlp.fc1.weight") == 1);
  CHECK(std::ranges::count(parts.mapped, "blocks.0.attn.qkv.weight") == 0);

  save_weights(path, vit);
  auto wider = mappable();
  wider.image_size = {32, 32};
  Vit larger(wider);
  const LoadReport resized =
      load_weights(path, larger, {.resize_position_embedding = Bicubic::plain, .mmap = true});
  CHECK(resized.resized == std::vector<std::string>{"pos_embed"});
  CHECK(std::ranges::count(resized.mapped, "pos_embed") == 0);
  CHECK(std::ranges::count(resized.mapped, "blocks.1.attn.qkv.weight") == 1);

  MaskedVisionTransformer<double> wide(mappable());
  const LoadReport widened = load_weights(path, wide, {.mmap = true});
  CHECK(widened.mapped.empty());
  CHECK(values_of(vit)[0] == static_cast<float>(values_of(wide)[0]));
}

TEST_CASE("with mmap a file that does not fit changes nothing") {
  const ScratchFolder folder;
  const auto path = folder / "vit.safetensors";
  Vit vit(mappable());
  save_weights(path, vit);
  auto other = mappable();
  other.depth += 1;
  Vit deeper(other);
  tessera::test::randomize(deeper, 4);
  const std::vector<float> before = values_of(deeper);
  CHECK_THROWS_AS(load_weights(path, deeper, {.mmap = true}), std::runtime_error);
  CHECK(values_of(deeper) == before);
}

}  // namespace tessera::io::test
