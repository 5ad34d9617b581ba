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
  explicit Table(const std::string& opcodes) : pickle(bytes_of(p_whole(opcodes))) {
    for (int i = 0; i < 6; ++i) {
      const std::vector<std::byte> value = bytes_of(number_bytes(static_cast<float>(i)));
      memory.insert(memory.end(), value.begin(), value.end());
    }
    const std::string label = "a.pth";
    const PickleDocument document = read_pickle(pickle, label);
    const std::vector<detail::StorageBytes> storages(document.storages.size(), memory);
    table = detail::TorchTableBuilder(document, storages, label).build();
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
  CHECK(error_of(view(0, {1024, 1024}, {0, 0})) == "(no exception)");
  CHECK(error_of(view(0, {1024, 1025}, {0, 0})) ==
        "a.pth: tensor 'w': shape [1024, 1025] repeats a storage of 6 elements too often");
  CHECK(error_of(view(0, {INT64_C(1) << 48}, {0})) ==
        "a.pth: tensor 'w': shape [281474976710656] repeats a storage of 6 elements too often");
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

TEST_CASE("names that occur twice or have no text are refused") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  CHECK(error_of("}(" + p_text("a") + tensor + p_text("a") + tensor + "u") ==
        "a.pth: tensor 'a': occurs twice");
  CHECK(error_of("}(" + p_text("a.b") + tensor + p_text("a") + "}" + p_text("b") + tensor + "su") ==
        "a.pth: tensor 'a.b': occurs twice");
  CHECK(error_of("}(" + p_int(1) + tensor + p_text("1") + tensor + "u") ==
        "a.pth: tensor '1': occurs twice");
  CHECK(error_of("}" + p_tuple({1, 2}) + tensor + "s") ==
        "a.pth: tensor '(key)': its key is neither a text nor a number");
  CHECK(error_of("}" + p_tuple({1, 2}) + "Ns") == "(no exception)");
}

TEST_CASE("names have a limit") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  const std::string long_key = p_text(std::string(4095, 'k'));
  CHECK(error_of("}" + long_key + tensor + "s") == "(no exception)");
  CHECK(error_of("}" + p_text("a") + "}" + long_key + tensor + "ss") ==
        "a.pth: key '" + std::string(80, 'k') + "...': names are limited to 4096 bytes");
}

TEST_CASE("texts that unfold beyond all bounds are refused in little memory") {
  // One text of a megabyte, mentioned a hundred times in a list, or as values of a dictionary.
  const std::string text = p_text(std::string(1'000'000, 'x')) + "q\x01";
  const std::string limit = "a.pth: names and metadata take more than 8000000 bytes";
  std::string list = "](" + text;
  std::string values = "}(" + p_text("first") + text;
  for (int i = 0; i < 100; ++i) {
    list += "h\x01";
    values += p_text(std::to_string(i)) + "h\x01";
  }
  constexpr std::size_t memory = 120'000'000;  // freed in between: far less at any moment
  CHECK(error_of("}" + p_text("k") + list + "es", memory) == limit);
  CHECK(error_of(values + "u", memory) == limit);
}

}  // namespace tessera::io::test
