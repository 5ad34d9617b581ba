#include "tessera/io/torch/table_builder.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pickle.hpp"

namespace tessera::io::test {

namespace {

/// The table of a pickle whose storages all are six floats: 0, 1, 2, 3, 4, 5.
struct Table {
  std::vector<std::byte> pickle;
  std::vector<std::byte> memory;
  TensorTable table;
  explicit Table(const std::string& opcodes, const PickleOptions& options = {})
      : pickle(bytes_of(p_whole(opcodes))) {
    for (int i = 0; i < 6; ++i) {
      const std::vector<std::byte> value = bytes_of(number_bytes(static_cast<float>(i)));
      memory.insert(memory.end(), value.begin(), value.end());
    }
    const std::string label = "a.pth";
    const PickleDocument document = read_pickle(pickle, label);
    const std::vector<detail::StorageBytes> storages(document.storages.size(), memory);
    table = detail::TorchTableBuilder(document, storages, label, 0, options).build();
  }
};

std::string error_of(const std::string& opcodes, std::size_t memory = 200'000) {
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { const Table table(opcodes); }); });
  CHECK(allocated < memory);
  return message;
}

const std::string storage = p_storage("FloatStorage", "0", 6);

/// {"w": a view of the six floats}
std::string view(std::int64_t offset, const std::vector<std::int64_t>& shape,
                 const std::vector<std::int64_t>& strides) {
  return "}" + p_text("w") + p_tensor(storage, offset, shape, strides) + "s";
}

/// "name: reason" of every value that is left out.
std::vector<std::string> skipped_of(const std::string& opcodes, const PickleOptions& options = {}) {
  std::vector<std::string> all;
  for (const SkippedValue& value : Table(opcodes, options).table.skipped) {
    all.push_back(value.name + ": " + value.reason);
  }
  return all;
}

using Texts = std::vector<std::string>;

std::vector<float> values_of(const StoredTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.element_count()));
  copy_values(tensor, std::span(values));
  return values;
}

}  // namespace

TEST_CASE("views are cut out of their storage") {
  const auto values = [](std::int64_t offset, const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& strides) {
    const Table read(view(offset, shape, strides));
    REQUIRE(read.table.tensors.size() == 1);
    return values_of(read.table.tensors[0]);
  };
  CHECK(values(0, {2, 3}, {3, 1}) == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(values(0, {3, 2}, {1, 3}) == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(values(1, {2, 2}, {3, 1}) == std::vector<float>{1, 2, 4, 5});
  CHECK(values(5, {1}, {1'000'000}) == std::vector<float>{5});
  CHECK(values(5, {}, {}) == std::vector<float>{5});
  CHECK(values(3, {2, 2}, {0, 1}) == std::vector<float>{3, 4, 3, 4});
  CHECK(values(6, {0}, {1}).empty());
  CHECK(values(0, {0, INT64_C(1) << 40}, {INT64_MAX, INT64_MAX}).empty());
}

TEST_CASE("row-major views have no strides, whatever torch wrote for sizes of one") {
  CHECK(Table(view(0, {2, 1, 3}, {3, 77, 1})).table.tensors[0].strides.empty());
  CHECK(Table(view(1, {5}, {1})).table.tensors[0].strides.empty());
  CHECK(Table(view(0, {2, 2}, {3, 1})).table.tensors[0].strides == std::vector<Index>{3, 1});
}

TEST_CASE("views that leave their storage are refused") {
  const std::string begin = "a.pth: tensor 'w': ";
  CHECK(error_of(view(0, {7}, {1})) ==
        begin + "shape [7] with strides [1] from element 0 on leaves its storage of 6 elements");
  CHECK(error_of(view(1, {2, 3}, {3, 1})) ==
        begin +
            "shape [2, 3] with strides [3, 1] from element 1 on leaves its storage of 6 "
            "elements");
  CHECK(error_of(view(0, {2}, {6})) ==
        begin + "shape [2] with strides [6] from element 0 on leaves its storage of 6 elements");
  CHECK(error_of(view(7, {0}, {1})) == begin + "begins at element 7 of a storage of 6");
  CHECK(error_of(view(-1, {1}, {1})) == begin + "begins at element -1 of a storage of 6");
  CHECK(error_of(view(INT64_MAX, {1}, {1})) ==
        begin + "begins at element 9223372036854775807 of a storage of 6");
  CHECK(error_of(view(6, {1}, {1})) ==
        begin + "shape [1] with strides [1] from element 6 on leaves its storage of 6 elements");
}

TEST_CASE("sizes and strides that overflow or are negative are refused") {
  const std::string begin = "a.pth: tensor 'w': ";
  CHECK(error_of(view(0, {-1}, {1})) ==
        begin + "shape [-1] has a size that is negative or above the limit");
  CHECK(error_of(view(0, {INT64_MAX}, {1})) ==
        begin + "shape [9223372036854775807] has a size that is negative or above the limit");
  CHECK(error_of(view(0, {(INT64_C(1) << 48) + 1}, {0})) ==
        begin + "shape [281474976710657] has a size that is negative or above the limit");
  CHECK(error_of(view(0, {INT64_C(1) << 40, INT64_C(1) << 40}, {0, 0})) ==
        begin + "shape [1099511627776, 1099511627776] has too many elements");
  CHECK(error_of(view(0, {0, INT64_C(1) << 40, INT64_C(1) << 40}, {0, 0, 0})) ==
        begin + "shape [0, 1099511627776, 1099511627776] has too many elements");
  CHECK(error_of(view(5, {2}, {-1})) == begin + "strides [-1] are negative");
  CHECK(error_of(view(0, {3, 2}, {INT64_MAX, 1})) ==
        begin +
            "shape [3, 2] with strides [9223372036854775807, 1] from element 0 on leaves its "
            "storage of 6 elements");
  CHECK(error_of(view(1, {2, 2}, {INT64_MAX, 1})) ==
        begin +
            "shape [2, 2] with strides [9223372036854775807, 1] from element 1 on leaves its "
            "storage of 6 elements");
  CHECK(error_of(view(0, {2, 3}, {1})) == begin + "shape [2, 3] and strides [1] differ in length");
}

TEST_CASE("a small storage cannot pose as a huge tensor") {
  CHECK(skipped_of(view(0, {1024, 1024}, {0, 0})).empty());
  CHECK(skipped_of(view(0, {1024, 1025}, {0, 0})) ==
        Texts{"w: shape [1024, 1025] repeats a storage of 6 elements too often"});
  CHECK(skipped_of(view(0, {INT64_C(1) << 48}, {0})) ==
        Texts{"w: shape [281474976710656] repeats a storage of 6 elements too often"});
}

TEST_CASE("tensors together have not much more than the file, however they share storages") {
  const auto views = [](int count, const std::vector<std::int64_t>& shape) {
    std::string items = "}(" + p_text("0") + p_global("torch._utils", "_rebuild_tensor_v2") +
                        "q\x01(" + storage + p_int(0) + p_tuple(shape) + p_tuple({0, 0}) +
                        "tq\x02R";
    for (int i = 1; i < count; ++i) items += p_text(std::to_string(i)) + "h\x01h\x02R";
    return items + "u";
  };
  // 4 MB each; memory has no file, so 16 MB are allowed.
  CHECK(error_of(views(4, {1024, 1024})) == "(no exception)");
  CHECK(error_of(views(5, {1024, 1024})) ==
        "a.pth: tensor '4': the tensors so far have 20971520 bytes, too many for a file of 0 whose "
        "storages they share");
}

TEST_CASE("names are the dotted path of keys") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  const Table read("}(" + p_text("model") + "}(" + p_text("a.b") + tensor + p_int(7) + "](" +
                   tensor + "N" + tensor + "eu" + p_text("epoch") + p_int(3) + p_text("direct") +
                   tensor + "u");
  std::vector<std::string> names;
  for (const StoredTensor& found : read.table.tensors) names.push_back(found.name);
  CHECK(names == std::vector<std::string>{"model.a.b", "model.7.0", "model.7.2", "direct"});
  REQUIRE(read.table.groups.size() == 1);
  CHECK(read.table.groups[0].name == "model");
  CHECK(read.table.groups[0].tensors == 3);
  CHECK(read.table.metadata == TensorMetadata{{"epoch", "3"}, {"model.7.1", "None"}});
  CHECK(Table(tensor).table.tensors[0].name == "tensor");
  CHECK(Table("]" + tensor + "a").table.tensors[0].name == "0");
}

TEST_CASE("plain values become text as Python prints them") {
  const auto text = [](const std::string& value) {
    const Table read("}" + p_text("k") + value + "s");
    const auto found = read.table.metadata.find("k");
    return found == read.table.metadata.end() ? "(none)" : found->second;
  };
  CHECK(text("N") == "None");
  CHECK(text("\x88") == "True");
  CHECK(text("\x89") == "False");
  CHECK(text(p_int(-5)) == "-5");
  CHECK(text(std::string("G\x3F\xE8\0\0\0\0\0\0", 9)) == "0.75");
  CHECK(text(std::string("G\x40\xF0\0\0\0\0\0\0", 9)) == "65536.0");
  CHECK(text(std::string("G\x80\0\0\0\0\0\0\0", 9)) == "-0.0");
  CHECK(text(std::string("G\x7F\xF0\0\0\0\0\0\0", 9)) == "inf");
  CHECK(text("G\x3E\xB0\xC6\xF7\xA0\xB5\xED\x8D") == "1e-06");
  CHECK(text(p_text("größe")) == "größe");
  CHECK(text(p_tuple({1, 2})) == "[1, 2]");
  CHECK(text("]") == "[]");
  CHECK(text("(" + p_text("a") + "\x88Nt") == "[a, True, None]");
  CHECK(text(p_global("torch", "bfloat16")) == "torch.bfloat16");
  CHECK(text(p_global("torch", "device") + "(" + p_text("cuda") + p_int(0) + "tR") == "[cuda, 0]");
  CHECK(text("C\x01x") == "(none)");
  CHECK(text(p_global("_codecs", "encode") + "(" + p_text("a") + "tR") == "(none)");
}

TEST_CASE("names that occur twice are refused, and those without a text left out") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  CHECK(error_of("}(" + p_text("a") + tensor + p_text("a") + tensor + "u") ==
        "a.pth: tensor 'a': occurs twice");
  CHECK(error_of("}(" + p_text("a.b") + tensor + p_text("a") + "}" + p_text("b") + tensor + "su") ==
        "a.pth: tensor 'a.b': occurs twice");
  CHECK(error_of("}(" + p_int(1) + tensor + p_text("1") + tensor + "u") ==
        "a.pth: tensor '1': occurs twice");
  CHECK(skipped_of("}" + p_tuple({1, 2}) + tensor + "s") ==
        Texts{"(key): its key is neither a text nor a number"});
  CHECK(error_of("}" + p_tuple({1, 2}) + "Ns") == "(no exception)");
}

TEST_CASE("names have a limit") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  const std::string long_key = p_text(std::string(4095, 'k'));
  CHECK(error_of("}" + long_key + tensor + "s") == "(no exception)");
  CHECK(error_of("}" + p_text("a") + "}" + long_key + tensor + "ss") ==
        "a.pth: key '" + std::string(80, 'k') + "...': names are limited to 4096 bytes");
}

TEST_CASE("texts that unfold beyond all bounds are left out in little memory") {
  // One text of a megabyte, mentioned a hundred times in a list, or as values of a dictionary.
  const std::string text = p_text(std::string(1'000'000, 'x')) + "q\x01";
  const std::string limit = "settings and names would take more than 8000000 bytes";
  std::string list = "](" + text;
  std::string values = "}(" + p_text("first") + text;
  for (int i = 0; i < 100; ++i) {
    list += "h\x01";
    values += p_text(std::to_string(i)) + "h\x01";
  }
  constexpr std::size_t memory = 120'000'000;  // freed in between: far less at any moment
  CHECK(error_of("}" + p_text("k") + list + "es", memory) == "(no exception)");
  CHECK(error_of(values + "u", memory) == "(no exception)");
  CHECK(skipped_of("}" + p_text("k") + list + "es") == Texts{"k: " + limit});
  const Texts left_out = skipped_of(values + "u");
  REQUIRE(left_out.size() == 94);  // seven texts and their names are within the limit
  CHECK(left_out[0] == "6: " + limit);
}

TEST_CASE("what lies beside the tensors is left out and listed") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  const std::string object = p_global("lib", "Settings") + ")\x81";
  const std::string settings = "}(" + p_text("w") + tensor + p_text("hyper") + object + "}" +
                               p_text("lr") + "K\x03sb" + p_text("kind") +
                               p_global("enum", "Color") + "K\x01\x85R" + p_text("names") + object +
                               p_text("heads") + "K\x06s" + p_text("called") +
                               p_global("os", "system") + p_text("ls") + "\x85R)Ru";
  CHECK(skipped_of(settings) == Texts{"hyper: made by 'lib.Settings'", "kind: made by 'enum.Color'",
                                      "names: made by 'lib.Settings'", "called: made by a call"});
  CHECK(Table(settings).table.metadata.empty());
  CHECK(Table(settings).table.tensors.size() == 1);
  // On request they are data as well, and still nothing is called.
  const PickleOptions all{.unknown_objects_as_data = true};
  CHECK(skipped_of(settings, all).empty());
  CHECK(Table(settings, all).table.metadata ==
        TensorMetadata{{"hyper.lr", "3"}, {"kind", "[1]"}, {"names.heads", "6"}, {"called", "[]"}});
}

TEST_CASE("the list of what is left out has a limit") {
  const std::string object = p_global("lib", "Color") + ")\x81";
  std::string items;
  for (int i = 0; i < 1100; ++i) items += object;
  const Table read("}" + p_text("k") + "](" + items + "es");
  REQUIRE(read.table.skipped.size() == 1001);
  CHECK(read.table.skipped[999].reason == "made by 'lib.Color'");
  CHECK(read.table.skipped[1000].reason == "and more after it");
}

TEST_CASE("a whole module is read as its state_dict") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  const auto module = [](const std::string& parameters, const std::string& buffers,
                         const std::string& modules) {
    return p_global("lib", "Net") + ")\x81}(" + p_text("training") + "\x88" +
           p_text("_parameters") + "}(" + parameters + "u" + p_text("_buffers") + "}(" + buffers +
           "u" + p_text("_non_persistent_buffers_set") + "](" + p_text("cache") + "e" +
           p_text("_modules") + "}(" + modules + "uub";
  };
  const std::string child = module(p_text("weight") + tensor + p_text("bias") + "N",
                                   p_text("mean") + tensor + p_text("cache") + tensor, "");
  const std::string net =
      module("", "", p_text("norm") + child + p_text("act") + "N" + p_text("odd") + "K\x01");
  const auto names = [](const Table& read) {
    Texts all;
    for (const StoredTensor& found : read.table.tensors) all.push_back(found.name);
    return all;
  };
  CHECK(names(Table(net)) == Texts{"norm.weight", "norm.mean"});
  const Table inside("}" + p_text("model") + net + "s");
  CHECK(names(inside) == Texts{"model.norm.weight", "model.norm.mean"});
  REQUIRE(inside.table.groups.size() == 1);
  CHECK(inside.table.groups[0].name == "model");
  CHECK(inside.table.groups[0].tensors == 2);
}

TEST_CASE("an object alone that is no module is refused") {
  CHECK(error_of(p_global("lib", "Net") + ")\x81}" + p_text("w") + p_tensor(storage, 0, {6}, {1}) +
                 "sb") ==
        "a.pth: holds one object, which is not read (made by 'lib.Net'); save its state_dict() "
        "instead");
}

TEST_CASE("objects that share a large state are refused before it is searched for each") {
  std::string state = "}(";
  for (int i = 0; i < 5'000; ++i) state += "K\x01N";
  std::string items = "](";
  for (int i = 0; i < 1'000; ++i) items += p_global("lib", "A") + ")\x81h\x09" + "b";
  CHECK(error_of(state + "uq\x09" + "0" + items + "e", 8'000'000) ==
        "a.pth: shared values unfold to more than 2000000");
}

TEST_CASE("values that hold each other do not keep a model from being read") {
  // {"trainer": object whose state is {"self": the object}, "w": tensor}
  const std::string cycle = "}(" + p_text("trainer") + p_global("lib", "Trainer") + ")\x81q\x05}" +
                            p_text("self") + "h\x05sb" + p_text("list") + "]q\x06h\x06" + "a" +
                            p_text("w") + p_tensor(storage, 0, {6}, {1}) + "u";
  CHECK(skipped_of(cycle) == Texts{"trainer: made by 'lib.Trainer'", "list.0: holds itself"});
  CHECK(skipped_of(cycle, {.unknown_objects_as_data = true}) ==
        Texts{"trainer.self: holds itself", "list.0: holds itself"});
}

}  // namespace tessera::io::test
