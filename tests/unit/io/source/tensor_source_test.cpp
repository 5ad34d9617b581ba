#include "tessera/io/source/tensor_source.hpp"

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace fs = std::filesystem;

namespace {

TensorSource open_golden(const std::string& name) { return open_tensors(golden / "torch" / name); }

std::vector<std::byte> safetensors_bytes() {
  const Tensor<float, 2> weight({2, 2}, {1, 2, 3, 4});
  const Tensor<double, 1> large({2}, {0.5, 1e300});
  SafetensorsWriter writer;
  writer.add("weight", weight);
  writer.add("large", large);
  writer.add_metadata("k", "v");
  return writer.bytes();
}

}  // namespace

TEST_CASE("the format is told by the content, not by the name") {
  const ScratchFolder folder;
  for (const auto& [name, format] : {std::pair{"mae.pth", TensorFormat::torch_zip},
                                     {"mae_legacy.pth", TensorFormat::torch_legacy},
                                     {"expected/mae.pth.safetensors", TensorFormat::safetensors}}) {
    fs::copy_file(golden / "torch" / name, folder / "weights.json",
                  fs::copy_options::overwrite_existing);
    const TensorSource source = open_tensors(folder / "weights.json");
    CHECK(source.format() == format);
    CHECK(source.label() == (folder / "weights.json").string());
    CHECK(source.tensors().size() == 16);
  }
  CHECK(format_name(TensorFormat::safetensors) == "safetensors");
  CHECK(format_name(TensorFormat::torch_zip) == "PyTorch (zip)");
  CHECK(format_name(TensorFormat::torch_legacy) == "PyTorch (before 1.6)");
  CHECK(format_name(TensorFormat::shard_index) == "sharded");
}

TEST_CASE("the same weights read the same from every format") {
  const TensorSource expected = open_tensors(golden / "torch/expected/sharded.safetensors");
  for (const TensorSource& source : {open_golden("expected/sharded.safetensors"),
                                     open_golden("sharded/model.safetensors.index.json"),
                                     open_golden("sharded/pytorch_model.bin.index.json")}) {
    INFO(source.label());
    CHECK(source.tensors().size() == expected.tensors().size());
    for (const StoredTensor& entry : expected.tensors()) {
      std::vector<float> values(static_cast<std::size_t>(entry.element_count()));
      std::vector<float> wanted(values.size());
      source.read_into(entry.name, std::span(values));
      expected.read_into(entry.name, std::span(wanted));
      CHECK(values == wanted);
      CHECK(source.tensor(entry.name).shape == entry.shape);
    }
  }
  const TensorSource sharded = open_golden("sharded/model.safetensors.index.json");
  CHECK(sharded.format() == TensorFormat::shard_index);
  CHECK(sharded.metadata() == TensorMetadata{{"format", "pt"}, {"total_size", "92"}});
}

TEST_CASE("a group of a training checkpoint is selected by name") {
  const TensorSource all = open_golden("ijepa.pth.tar");
  const TensorSource target = all.select("target_encoder");
  const TensorSource inner = all.select("target_encoder.module");
  REQUIRE(target.tensors().size() == 4);
  CHECK(target.tensors()[0].name == "module.norm.weight");
  CHECK(inner.tensors()[0].name == "norm.weight");
  CHECK(target.metadata().at("epoch") == "300");
  CHECK(target.groups().empty());
  const auto context = all.read<double, 1>("encoder.module.norm.bias");
  const auto average = inner.read<double, 1>("norm.bias");
  for (Index i = 0; i < 4; ++i) CHECK(average(i) == context(i) + 1);
  CHECK(file_error([&] { all.select("model"); }) ==
        all.label() +
            ": holds no tensors under 'model'; there are 'encoder' 'predictor' 'target_encoder' "
            "'opt'");
  CHECK(file_error([&] { open_golden("tensor.pt").select("x"); }) ==
        (golden / "torch/tensor.pt").string() + ": holds no tensors under 'x'");
}

TEST_CASE("a source outlives the one it was selected from and may be copied") {
  std::optional<TensorSource> all = open_golden("views.pt");
  const TensorSource list = all->select("list");
  const TensorSource copy = *all;
  all.reset();
  CHECK(list.read<float, 1>("1.deep.0")(0) == 2);
  CHECK(copy.read<double, 2>("transposed").shape() == Shape<2>{6, 4});
}

TEST_CASE("views, halves and bfloat16 become the wanted floats") {
  const TensorSource source = open_golden("views.pt");
  const auto transposed = source.read<float, 2>("transposed");
  CHECK(transposed(1, 2) == 13.0f / 4);
  CHECK(source.read<double, 1>("f16")(0) == 0.333251953125);
  CHECK(source.read<float, 1>("bf16")(0) == 0.333984375f);
  CHECK(source.read<double, 0>("scalar")() == 2.75);
  CHECK(source.read<float, 3>("empty").size() == 0);
  CHECK(source.read<float, 2>("expanded") == Tensor<float, 2>({3, 2}, {0, .25, 0, .25, 0, .25}));
  CHECK(source.read<bool, 1>("bool") == Tensor<bool, 1>({3}, {true, false, true}));
  CHECK(source.read<std::int64_t, 1>("i64")(0) == -3);
}

TEST_CASE("errors name the file, the tensor and the reason, and change nothing") {
  const std::vector<std::byte> bytes = safetensors_bytes();
  const TensorSource source = open_tensors(bytes, "weights");
  CHECK(source.metadata() == TensorMetadata{{"k", "v"}});
  CHECK(source.contains("weight"));
  CHECK_FALSE(source.contains("bias"));
  CHECK(source.read<double, 1>("large")(1) == 1e300);
  std::vector<float> values(2, 9);
  CHECK(file_error([&] { source.read_into("large", std::span(values)); }) ==
        "weights: tensor 'large': element 1 is no value of F32");
  CHECK(values == std::vector<float>(2, 9));
  CHECK(file_error([&] { source.check_readable<float>("large"); }) ==
        "weights: tensor 'large': element 1 is no value of F32");
  CHECK(file_error([&] { source.check_readable<double>("large"); }) == "(no exception)");
  CHECK(file_error([&] { source.check_readable<int>("weight"); }) ==
        "weights: tensor 'weight': is stored as F32, which is not read as I32");
  CHECK(file_error([&] { source.read_into("weight", std::span(values)); }) ==
        "weights: tensor 'weight': has 4 elements, but 2 were expected");
  Tensor<float, 1> flat({4}, 9);
  CHECK(file_error([&] { source.read_into("weight", flat); }) ==
        "weights: tensor 'weight': has shape [2, 2], but [4] was expected");
  CHECK(flat == Tensor<float, 1>({4}, 9));
  CHECK(file_error([&] { source.read<float, 1>("weight"); }) ==
        "weights: tensor 'weight': has shape [2, 2], but rank 1 was asked for");
  CHECK(file_error([&] { source.tensor("bias"); }) ==
        "weights: tensor 'bias': is not among the 2 tensors of the file");
}

TEST_CASE("of several files, the one at fault is named") {
  const ScratchFolder folder;
  write_file(folder / "one.safetensors", safetensors_bytes());
  write_file(folder / "index.json",
             bytes_of(R"({"weight_map":{"weight":"one.safetensors","large":"one.safetensors"}})"));
  const TensorSource source = open_tensors(folder / "index.json");
  const std::string shard = fs::canonical(folder / "one.safetensors").string();
  CHECK(file_error([&] { source.read<float, 1>("large"); }) ==
        shard + ": tensor 'large': element 1 is no value of F32");
  CHECK(file_error([&] { source.read<float, 1>("bias"); }) ==
        (folder / "index.json").string() +
            ": tensor 'bias': is not among the 2 tensors of the file");
  write_file(folder / "one.safetensors", bytes_of("broken"));
  CHECK(file_error([&] { open_tensors(folder / "index.json"); }) ==
        shard + ": is neither safetensors, nor a file of torch.save, nor an index of shards");
  fs::copy_file(folder / "index.json", folder / "one.safetensors",
                fs::copy_options::overwrite_existing);
  CHECK(file_error([&] { open_tensors(folder / "index.json"); }) ==
        (folder / "index.json").string() + ": shard 'one.safetensors': is an index itself");
  // Neither a folder nor a pipe is read.
  const std::string one =
      (folder / "index.json").string() + ": shard 'one.safetensors': is not a regular file";
  fs::remove(folder / "one.safetensors");
  fs::create_directory(folder / "one.safetensors");
  CHECK(file_error([&] { open_tensors(folder / "index.json"); }) == one);
  fs::remove(folder / "one.safetensors");
  REQUIRE(::mkfifo((folder / "one.safetensors").c_str(), 0600) == 0);
  CHECK(file_error([&] { open_tensors(folder / "index.json"); }) == one);
}

TEST_CASE("what is no weights file is refused") {
  const ScratchFolder folder;
  const std::string unknown =
      "is neither safetensors, nor a file of torch.save, nor an index of shards";
  const auto error = [&](std::string_view text) {
    write_file(folder / "a", bytes_of(text));
    const std::string message = file_error([&] { open_tensors(folder / "a"); });
    const std::string begin = (folder / "a").string() + ": ";
    return message.starts_with(begin) ? message.substr(begin.size()) : message;
  };
  CHECK(error("") == unknown);
  CHECK(error("GGUF and so on") == unknown);
  CHECK(error("\x89PNG\r\n\x1A\n") == unknown);
  CHECK(error("\x80\x02}q\x00.") == unknown);
  CHECK(error(R"({"model_type":"vit_mae"})") == "unknown field 'model_type'");
  CHECK(error(std::string("\x08\0\0\0\0\0\0\0{\"a\":1}}", 16)) ==
        "tensor 'a': a number has no place here");
  // The format has no white space before its header.
  CHECK(error(std::string("\4\0\0\0\0\0\0\0 \n{}", 12)) == "header does not begin with '{'");
  CHECK(error(std::string("\xFF\xFF\0\0\0\0\0\0{}", 10)) ==
        "header of 65535 bytes does not fit the file of 10");
  CHECK(error(std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10)) ==
        "header of 18446744073709551615 bytes is above the limit of 10000000");
  CHECK(file_error([&] { open_tensors(folder / "missing"); }) ==
        (folder / "missing").string() + ": cannot be opened: No such file or directory");
  const std::vector<std::byte> index = bytes_of("{}");
  CHECK(file_error([&] { open_tensors(index, "memory"); }) ==
        "memory: is an index of shards, which only a file can be");
}

TEST_CASE("safetensors files that begin as another format are still recognized") {
  // Header lengths whose first byte is that of a pickle (0x80) or of a JSON object (0x7B).
  for (const std::size_t length : {std::size_t{0x80}, std::size_t{0x7B}}) {
    std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
    header.resize(length, ' ');
    const std::string text = std::string(1, static_cast<char>(length)) + std::string(7, '\0');
    const std::vector<std::byte> bytes = bytes_of(text + header + "\x07");
    const TensorSource source = open_tensors(bytes);
    CHECK(source.format() == TensorFormat::safetensors);
    CHECK(source.read<std::uint8_t, 1>("a")(0) == 7);
  }
}

TEST_CASE("options reach the readers") {
  std::vector<std::byte> bytes = safetensors_bytes();
  bytes.resize(bytes.size() + 4);
  CHECK(file_error([&] { open_tensors(bytes); }) == "memory: 4 bytes follow the last tensor");
  TensorOptions options;
  options.safetensors.allow_trailing_bytes = true;
  CHECK(open_tensors(bytes, "memory", options).tensors().size() == 2);
  options.torch.pickle.unknown_objects_as_data = true;
  CHECK(open_tensors(golden / "torch/module.pt", options).tensors().empty());
}

TEST_CASE("huge sparse files that lie are refused in little memory") {
  const ScratchFolder folder;
  const auto path = folder / "sparse";
  const auto error = [&](std::string_view begin) {
    write_file(path, bytes_of(begin));
    fs::resize_file(path, 4'000'000'000);
    std::string message;
    const std::size_t allocated =
        tessera::test::heap_bytes_of([&] { message = file_error([&] { open_tensors(path); }); });
    CHECK(allocated < 100'000);
    return message.substr(path.string().size() + 2);
  };
  CHECK(error(std::string("\0\0\0\x40\0\0\0\0{", 9)) ==
        "header of 1073741824 bytes is above the limit of 10000000");
  CHECK(error("PK\3\4") == "zip: no end record: the file is cut off or something follows it");
  CHECK(error(R"({"weight_map":{)") == "has 4000000000 bytes; the limit is 8000000");
}

TEST_CASE("reading into given memory allocates nothing for the values") {
  const ScratchFolder folder;
  const Tensor<float, 1> large({1'000'000}, 0.5f);
  SafetensorsWriter writer;
  writer.add("large", large);
  writer.write(folder / "a");
  const TensorSource source = open_tensors(folder / "a");
  std::vector<double> doubles(1'000'000);
  CHECK(tessera::test::heap_bytes_of([&] { source.read_into("large", std::span(doubles)); }) == 0);
  CHECK(doubles.back() == 0.5);
}

TEST_CASE("a source is shared by threads", "[threads]") {
  const TensorSource source = open_golden("views.pt");
  const Tensor<double, 2> expected = source.read<double, 2>("matrix");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        if (!(source.read<double, 2>("matrix") == expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a Git LFS pointer is called one") {
  const std::vector<std::byte> pointer =
      bytes_of("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 346293852\n");
  CHECK(file_error([&] { open_tensors(pointer, "a.pth"); }) ==
        "a.pth: is a Git LFS pointer, not the weights: fetch them with git lfs pull");
}

}  // namespace tessera::io::test
