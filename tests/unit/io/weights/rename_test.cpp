#include "tessera/io/weights/rename.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

using Named = detail::NamedTensor<float>;

/// A model of one block, 2 wide, as far as names go; with a class token.
struct Model {
  std::map<std::string, Tensor<float, 1>> values;
  std::vector<Named> tensors;

  explicit Model(const std::string& prefix) {
    for (const char* layer : {"norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"}) {
      add(prefix + "blocks.0." + layer + ".weight", {2});
      add(prefix + "blocks.0." + layer + ".bias", {2});
    }
    add(prefix + "blocks.0.attn.qkv.weight", {6, 2});
    add(prefix + "blocks.0.attn.qkv.bias", {6});
    add(prefix + "norm.weight", {2});
    add(prefix + "norm.bias", {2});
    add(prefix + "pos_embed", {1, 5, 2});
  }
  void add_encoder() {
    add("encoder.patch_embed.proj.weight", {2, 3, 1, 1});
    add("encoder.patch_embed.proj.bias", {2});
    add("encoder.cls_token", {1, 1, 2});
    add("encoder.mask_token", {1, 1, 2});
  }
  void add(const std::string& name, std::vector<Index> shape) {
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    Tensor<float, 1>& kept = values[name] = Tensor<float, 1>({count});
    for (Index i = 0; i < count; ++i) kept(i) = static_cast<float>(i + 1);
    tensors.push_back({name, std::move(shape), kept.values(), Dtype::f32});
  }
};

/// What is written of a model in a naming.
TensorSource written(const std::filesystem::path& path, const std::vector<Named>& tensors,
                     const char* naming, const detail::ModelShape& shape,
                     ExportReport* report = nullptr) {
  SafetensorsWriter file;
  detail::TensorNamer<float> namer(find_naming(naming), shape);
  const ExportReport made = namer.add_to(file, tensors);
  if (report != nullptr) *report = made;
  file.write(path);
  return open_tensors(path);
}

}  // namespace

TEST_CASE("tensors are named, split and shaped as the naming has them") {
  const ScratchFolder folder;
  Model model("encoder.");
  model.add_encoder();
  const detail::ModelShape shape{
      .layout = Layout::plain, .class_token = true, .position_prefix = 1, .grid = Size{2, 2}};
  ExportReport report;
  const auto file = written(folder / "x", model.tensors, "hugging_face", shape, &report);
  CHECK(report.left_out == std::vector<std::string>{"encoder.mask_token"});
  CHECK(report.written.size() == model.tensors.size() - 1);
  const std::string attention = "encoder.layer.0.attention.attention.";
  CHECK(file.read<float, 2>(attention + "key.weight") == Tensor<float, 2>({2, 2}, {5, 6, 7, 8}));
  CHECK(file.read<float, 1>(attention + "value.bias") == Tensor<float, 1>({2}, {5, 6}));
  CHECK(file.read<float, 3>("embeddings.position_embeddings").dim(1) == 5);
  CHECK(file.tensors().size() == model.tensors.size() - 1 + 4);
}

TEST_CASE("a class token without a position gets a row of zeros where the code wants one") {
  const ScratchFolder folder;
  Model model("encoder.");
  model.add_encoder();
  const detail::ModelShape shape{
      .layout = Layout::plain, .class_token = true, .position_prefix = 0, .grid = Size{2, 2}};
  const auto table = written(folder / "x", model.tensors, "mae", shape).read<float, 3>("pos_embed");
  CHECK(table == Tensor<float, 3>({1, 6, 2}, {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  CHECK(written(folder / "x", model.tensors, "timm", shape).read<float, 3>("pos_embed").dim(1) ==
        5);
}

TEST_CASE("a model that a naming cannot hold is refused with what is wrong") {
  const ScratchFolder folder;
  const auto error = [&](const std::vector<Named>& tensors, const char* naming,
                         const detail::ModelShape& shape) {
    return argument_error([&] { (void)written(folder / "x", tensors, naming, shape); });
  };
  detail::ModelShape shape{
      .layout = Layout::plain, .class_token = true, .position_prefix = 1, .grid = Size{2, 2}};
  Model model("encoder.");
  CHECK(error(model.tensors, "mae", shape) ==
        "export_weights: a model of naming mae has encoder.cls_token, this one does not");
  model.add_encoder();
  model.add("encoder.reg_token", {1, 2, 2});
  model.add("encoder.blocks.0.ls1.gamma", {2});
  CHECK(error(model.tensors, "mae", shape) ==
        "export_weights: naming mae has no place for encoder.reg_token and 1 more");
  shape.layout = Layout::mae;
  CHECK(error(model.tensors, "timm", shape) ==
        "NameWriter: naming timm has no names for such a model");
  shape.layout = Layout::scaled;
  shape.position_prefix = 3;
  CHECK(error(model.tensors, "dinov2", shape) ==
        "export_weights: naming dinov2 has no place for the positions of register tokens");
  shape.layout = Layout::plain;
  shape.grid = Size{1, 4};
  CHECK(error(model.tensors, "mae", shape) ==
        "export_weights: a model of naming mae has a square grid, not 1 x 4");
  shape.grid = Size{2, 2};
  shape.in_chans = 1;
  CHECK(error(model.tensors, "torchvision", shape) ==
        "export_weights: a model of naming torchvision has 3 channels, not 1");
  CHECK(folder.names().empty());
}

}  // namespace tessera::io::test
