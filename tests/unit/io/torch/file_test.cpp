#include "tessera/io/torch/file.hpp"

#include <algorithm>
#include <cstdint>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pickle.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

std::vector<std::byte> golden_file(const std::string& name) {
  return read_file(golden / "torch" / name, 1 << 20);
}

/// The file's tensors are, bit for bit, the ones that torch says it holds.
void check_tensors(const std::string& name, std::size_t count) {
  INFO(name);
  const std::vector<std::byte> bytes = golden_file(name);
  const TensorTable table = read_torch_file(bytes, name);
  const TensorSource expected = open_tensors(golden / "torch/expected" / (name + ".safetensors"));
  CHECK(table.tensors.size() == count);
  REQUIRE(table.tensors.size() == expected.tensors().size());
  for (const StoredTensor& tensor : table.tensors) {
    INFO(tensor.name);
    const StoredTensor& entry = expected.tensor(tensor.name);
    CHECK(tensor.dtype == entry.dtype);
    CHECK(tensor.shape == entry.shape);
    std::vector<std::byte> packed;
    detail::visit_chunks(tensor, [&](Index, Index part, const std::byte* values) {
      packed.insert(packed.end(), values, values + part * dtype_size(tensor.dtype));
      return true;
    });
    CHECK(std::ranges::equal(packed, entry.bytes));
  }
}

std::string error_of_bytes(const std::vector<std::byte>& bytes, const TorchOptions& options = {}) {
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { read_torch_file(bytes, "a.pth", options); }); });
  CHECK(allocated < 1'000'000);
  return message;
}

const std::string storage = p_storage("FloatStorage", "0", 2);
const std::string good_pickle = p_whole("}" + p_text("w") + p_tensor(storage, 0, {2}, {1}) + "s");
const std::string two_floats(8, '\0');

std::string error_of_zip(const std::vector<ZipItem>& items) {
  return error_of_bytes(bytes_of(zip_text(items)));
}

// The parts of an old file.
const std::string magic = p_whole("\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19");
const std::string version = p_whole("M\xE9\x03");
const std::string little = p_whole("}" + p_text("little_endian") + "\x88s");
const std::string keys = p_whole("]" + p_text("0") + "a");
const std::string floats = number_bytes<std::int64_t>(2) + two_floats;

std::string error_of_old(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part;
  return error_of_bytes(bytes_of(text));
}

}  // namespace

TEST_CASE("files of torch's zip writer hold what torch says") {
  check_tensors("mae.pth", 16);
  check_tensors("ijepa.pth.tar", 21);
  check_tensors("views.pt", 29);
  check_tensors("views_protocol4.pt", 29);
  check_tensors("misc.pt", 1);
  check_tensors("misc_protocol5.pt", 1);
  check_tensors("tensor.pt", 1);
}

TEST_CASE("files of torch's older writer hold what torch says") {
  check_tensors("mae_legacy.pth", 16);
  check_tensors("views_legacy.pt", 26);
  check_tensors("tensor_legacy.pt", 1);
}

TEST_CASE("views keep their strides and share their storage") {
  for (const std::string name : {"views.pt", "views_legacy.pt"}) {
    const std::vector<std::byte> bytes = golden_file(name);
    const TensorTable table = read_torch_file(bytes, name);
    const auto tensor = [&](std::string_view wanted) {
      for (const StoredTensor& found : table.tensors) {
        if (found.name == wanted) return found;
      }
      throw std::logic_error(std::string(wanted));
    };
    const StoredTensor matrix = tensor("matrix");
    CHECK(matrix.strides.empty());
    CHECK(tensor("transposed").strides == std::vector<Index>{1, 6});
    CHECK(tensor("transposed").bytes.data() == matrix.bytes.data());
    CHECK(tensor("expanded").strides == std::vector<Index>{0, 1});
    CHECK(tensor("rows").strides.empty());
    CHECK(tensor("rows").bytes.data() == matrix.bytes.data() + 24);
    CHECK(tensor("element").bytes.size() == 4);
    CHECK(matrix.bytes.data() >= bytes.data());
    CHECK(matrix.bytes.data() < bytes.data() + bytes.size());
  }
}

TEST_CASE("top-level entries with tensors are groups") {
  const auto groups = [](const std::string& name) {
    const std::vector<std::byte> bytes = golden_file(name);
    std::string text;
    for (const TensorGroup& group : read_torch_file(bytes, name).groups) {
      text += group.name + " " + std::to_string(group.tensors) + ";";
    }
    return text;
  };
  CHECK(groups("mae.pth") == "model 4;optimizer 12;");
  CHECK(groups("mae_legacy.pth") == "model 4;optimizer 12;");
  CHECK(groups("ijepa.pth.tar") == "encoder 4;predictor 1;target_encoder 4;opt 12;");
  CHECK(groups("misc.pt") == "");
}

TEST_CASE("arguments and counters of a training run are metadata") {
  for (const std::string name : {"mae.pth", "mae_legacy.pth"}) {
    const std::vector<std::byte> bytes = golden_file(name);
    const TensorMetadata metadata = read_torch_file(bytes, name).metadata;
    CHECK(metadata.at("epoch") == "799");
    CHECK(metadata.at("args.norm_pix_loss") == "True");
    CHECK(metadata.at("args.mask_ratio") == "0.75");
    CHECK(metadata.at("args.model") == "mae_vit_large_patch16");
    CHECK(metadata.at("args.resume") == "");
    CHECK(metadata.at("args.output_dir") == "[out, mae]");
    CHECK(metadata.at("args.device") == "[cuda, 0]");
    CHECK(metadata.at("args.betas") == "[0.9, 0.95]");
    CHECK(metadata.at("scaler.scale") == "65536.0");
    CHECK(metadata.at("optimizer.param_groups.0.lr") == "0.001");
    CHECK(metadata.at("optimizer.param_groups.0.params") == "[0, 1, 2, 3]");
    CHECK_FALSE(metadata.contains("args.big"));  // beyond 64 bits
  }
  for (const std::string name : {"misc.pt", "misc_protocol5.pt"}) {
    const std::vector<std::byte> bytes = golden_file(name);
    CHECK(read_torch_file(bytes, name).metadata == TensorMetadata{{"(key)", "no name"},
                                                                  {"below", "-1099511627776"},
                                                                  {"flags", "[True, False]"},
                                                                  {"long", "1099511627776"},
                                                                  {"names", "[a, b]"},
                                                                  {"negative", "-300"},
                                                                  {"none", "None"},
                                                                  {"set", "[4]"},
                                                                  {"text", "größe"}});
  }
}

TEST_CASE("modules are read as their state, programs are not checkpoints") {
  // A module without weights is a state_dict without tensors.
  CHECK(error_of_bytes(golden_file("module.pt")) == "(no exception)");
  CHECK(error_of_bytes(golden_file("script.pt")) ==
        "a.pth: zip entry 'script/code/__torch__/torch/nn/modules/activation.py': is compressed "
        "(method 8), which torch.save never does");
  TorchOptions options;
  options.pickle.unknown_objects_as_data = true;
  CHECK(error_of_bytes(golden_file("module.pt"), options) == "(no exception)");
}

TEST_CASE("what is no file of torch is refused") {
  const std::string neither =
      "a.pth: is no file of torch.save: neither a zip archive nor the older format";
  CHECK(error_of_bytes({}) == neither);
  CHECK(error_of_bytes(bytes_of("PK")) == neither);
  CHECK(error_of_bytes(bytes_of("\x80\x02N.")) == neither);  // a pickle of something else
  CHECK(error_of_bytes(bytes_of(magic.substr(0, 13))) == neither);
  CHECK(file_error([] { read_torch_legacy({}, "a.pth"); }) ==
        "a.pth: does not begin as a file of torch");
}

TEST_CASE("archives whose records do not fit their pickle are refused") {
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"a/data/0", two_floats}}) == "(no exception)");
  CHECK(error_of_zip({{"data.pkl", good_pickle}, {"data/0", two_floats}}) == "(no exception)");
  CHECK(error_of_zip({{"a/data.pickle", good_pickle}}) ==
        "a.pth: is a zip archive, but not one of torch: no data.pkl");
  CHECK(error_of_zip({{"a/xdata.pkl", good_pickle}}) ==
        "a.pth: is a zip archive, but not one of torch: no data.pkl");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"b/data.pkl", good_pickle}}) ==
        "a.pth: zip: holds more than one data.pkl");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"a/data/1", two_floats}}) ==
        "a.pth: storage '0': is not in the archive");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"b/data/0", two_floats}}) ==
        "a.pth: storage '0': is not in the archive");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"a/data/0", two_floats + "x"}}) ==
        "a.pth: storage '0': 2 elements of 4 bytes were announced, but 9 bytes are there");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle}, {"a/data/0", "1234"}}) ==
        "a.pth: storage '0': 2 elements of 4 bytes were announced, but 4 bytes are there");
  const std::string huge = p_whole(
      "}" + p_text("w") +
      p_tensor(p_storage("FloatStorage", "0", INT64_MAX), 0, {INT64_C(1) << 40}, {1}) + "s");
  CHECK(error_of_zip({{"a/data.pkl", huge}, {"a/data/0", two_floats}}) ==
        "a.pth: storage '0': 9223372036854775807 elements of 4 bytes were announced, but 8 bytes "
        "are there");
  const std::string outside = p_whole(
      "}" + p_text("w") + p_tensor(p_storage("FloatStorage", "../data.pkl", 2), 0, {2}, {1}) + "s");
  CHECK(error_of_zip({{"a/data.pkl", outside}, {"a/data/0", two_floats}}) ==
        "a.pth: storage '../data.pkl': is not in the archive");
  CHECK(error_of_zip({{"a/data.pkl", good_pickle.substr(0, 20)}, {"a/data/0", two_floats}})
            .starts_with("a.pth: pickle byte "));
}

TEST_CASE("tensors that leave their record are refused by name") {
  const std::string pickle = p_whole("}" + p_text("w") + p_tensor(storage, 1, {2}, {1}) + "s");
  CHECK(error_of_zip({{"a/data.pkl", pickle}, {"a/data/0", two_floats}}) ==
        "a.pth: tensor 'w': shape [2] with strides [1] from element 1 on leaves its storage of 2 "
        "elements");
}

TEST_CASE("the byte order is honoured") {
  const std::vector<ZipItem> items{{"a/data.pkl", good_pickle}, {"a/data/0", two_floats}};
  for (const auto& [order, message] :
       {std::pair<std::string, std::string>{"little", "(no exception)"},
        {"big", "a.pth: byte order is 'big', not 'little'"},
        {"", "a.pth: byte order is '', not 'little'"}}) {
    std::vector<ZipItem> with_order = items;
    with_order.push_back({"a/byteorder", order});
    CHECK(error_of_zip(with_order) == message);
  }
}

TEST_CASE("old files whose parts do not fit together are refused") {
  CHECK(error_of_old({magic, version, little, good_pickle, keys, floats}) == "(no exception)");
  CHECK(error_of_old({magic, p_whole("M\xE8\x03"), little, good_pickle, keys, floats}) ==
        "a.pth: is no torch file of protocol 1001");
  CHECK(error_of_old({magic, version, p_whole("}" + p_text("little_endian") + "\x89s"), good_pickle,
                      keys, floats}) == "a.pth: was not written by a little-endian machine");
  CHECK(error_of_old({magic, version, p_whole("}"), good_pickle, keys, floats}) ==
        "a.pth: was not written by a little-endian machine");
  CHECK(error_of_old({magic, version, little, good_pickle, p_whole("N"), floats}) ==
        "a.pth: has no list of storages");
  CHECK(error_of_old({magic, version, little, good_pickle, p_whole("]Na"), floats}) ==
        "a.pth: a storage has no key");
  CHECK(error_of_old({magic, version, little, good_pickle, p_whole("]")}) ==
        "a.pth: storage '0': is not in the file");
  CHECK(error_of_old({magic, version, little, good_pickle, p_whole("]" + p_text("1") + "a")}) ==
        "a.pth: storage '1': no tensor uses it");
  CHECK(error_of_old({magic, version, little, good_pickle,
                      p_whole("](" + p_text("0") + p_text("0") + "e"), floats, floats}) ==
        "a.pth: storage '0': occurs twice");
  CHECK(error_of_old({magic, version, little, good_pickle, keys, "1234567"}) ==
        "a.pth: storage '0': its size is cut off");
  CHECK(error_of_old({magic, version, little, good_pickle, keys, floats, "x"}) ==
        "a.pth: 1 bytes follow the last storage");
  const auto with_count = [](std::int64_t count) {
    return error_of_old(
        {magic, version, little, good_pickle, keys, number_bytes(count) + two_floats});
  };
  CHECK(with_count(3) == "a.pth: storage '0': 3 elements of 4 bytes do not fit the 8 bytes left");
  CHECK(with_count(-1) == "a.pth: storage '0': -1 elements of 4 bytes do not fit the 8 bytes left");
  CHECK(with_count(INT64_MAX) ==
        "a.pth: storage '0': 9223372036854775807 elements of 4 bytes do not fit the 8 bytes left");
  CHECK(with_count(INT64_C(1) << 62) ==
        "a.pth: storage '0': 4611686018427387904 elements of 4 bytes do not fit the 8 bytes left");
  CHECK(error_of_old(
            {magic, version, little, good_pickle, keys, number_bytes<std::int64_t>(1) + "1234"}) ==
        "a.pth: storage '0': 2 elements of 4 bytes were announced, but 4 bytes are there");
}

TEST_CASE("views of storages in old files are offset") {
  const std::string part = "(" + p_text("storage") + p_global("torch", "FloatStorage") +
                           p_text("0") + p_text("cpu") + p_int(4) + "(" + p_text("9") + p_int(1) +
                           p_int(2) + "ttQ";
  const auto file = [&](std::int64_t offset) {
    const std::string pickle = p_whole("}" + p_text("w") + p_tensor(part, offset, {2}, {1}) + "s");
    std::string data = number_bytes<std::int64_t>(4);
    for (const float value : {0.f, 1.f, 2.f, 3.f}) data += number_bytes(value);
    return bytes_of(magic + version + little + pickle + keys + data);
  };
  const std::vector<std::byte> bytes = file(0);
  const TensorTable table = read_torch_file(bytes);
  std::vector<float> values(2);
  copy_values(table.tensors.at(0), std::span(values));
  CHECK(values == std::vector<float>{1, 2});
  CHECK(error_of_bytes(file(1)) ==
        "a.pth: tensor 'w': shape [2] with strides [1] from element 1 on leaves its storage of 2 "
        "elements");
}

TEST_CASE("files of torch cut off at any byte are refused and named") {
  for (const std::string name : {"misc.pt", "mae_legacy.pth", "tensor_legacy.pt"}) {
    const std::vector<std::byte> whole = golden_file(name);
    int accepted = 0;
    int unnamed = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string message =
          file_error([&] { read_torch_file(std::span(whole).first(size), "cut.pth"); });
      accepted += message == "(no exception)" ? 1 : 0;
      unnamed += message.starts_with("cut.pth: ") ? 0 : 1;
    }
    CHECK(accepted == 0);
    CHECK(unnamed == 0);
  }
}

}  // namespace tessera::io::test
