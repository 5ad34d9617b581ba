#include "tessera/io/safetensors/writer.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

template <class T>
concept CanAdd =
    requires(SafetensorsWriter writer, T&& tensor) { writer.add("a", std::forward<T>(tensor)); };

}  // namespace

TEST_CASE("a file holds length, padded JSON and values") {
  const Tensor<float, 2> a({1, 2}, {1, 2});
  const Tensor<std::uint8_t, 1> b({3}, {7, 8, 9});
  SafetensorsWriter writer;
  writer.add("b", b);
  writer.add("a", a);
  writer.add_metadata("key", "value");
  const std::vector<std::byte> bytes = writer.bytes();
  const std::string json =
      R"({"__metadata__":{"key":"value"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})";
  const std::size_t padded = (json.size() + 7) / 8 * 8;
  REQUIRE(bytes.size() == 8 + padded + 11);
  CHECK(bytes[0] == static_cast<std::byte>(padded));
  const std::string text(reinterpret_cast<const char*>(bytes.data()) + 8, padded);
  CHECK(text == json + std::string(padded - json.size(), ' '));
  CHECK(std::memcmp(bytes.data() + 8 + padded, a.data(), 8) == 0);
  CHECK(std::memcmp(bytes.data() + 16 + padded, b.data(), 3) == 0);
}

TEST_CASE("nothing at all is a file too") {
  const std::vector<std::byte> bytes = SafetensorsWriter().bytes();
  CHECK(bytes.size() == 16);
  CHECK(open_tensors(bytes).tensors().empty());
}

TEST_CASE("the bytes do not depend on the order of adding") {
  const Tensor<float, 1> a({2}, {1, 2});
  const Tensor<double, 1> b({1}, {3});
  SafetensorsWriter forward;
  forward.add("a", a);
  forward.add("b", b);
  forward.add_metadata("x", "1");
  forward.add_metadata("y", "2");
  SafetensorsWriter backward;
  backward.add_metadata("y", "2");
  backward.add_metadata("x", "1");
  backward.add("b", b);
  backward.add("a", a);
  CHECK(forward.bytes() == backward.bytes());
  CHECK(forward.bytes() == forward.bytes());
}

TEST_CASE("floats are stored as the kind asked for, rounded to nearest even") {
  const Tensor<double, 1> values({4}, {1.0 + 0x1p-11, 1.0 + 0x3p-11, 0x1p-30, -2.5});
  SafetensorsWriter writer;
  writer.add("f16", values, Dtype::f16);
  writer.add("bf16", values, Dtype::bf16);
  writer.add("f32", values, Dtype::f32);
  writer.add("f64", values);
  const std::vector<std::byte> bytes = writer.bytes();
  const TensorSource reader = open_tensors(bytes);
  CHECK(reader.tensor("f16").dtype == Dtype::f16);
  CHECK(reader.read<double, 1>("f16") == Tensor<double, 1>({4}, {1.0, 1.0 + 0x1p-9, 0.0, -2.5}));
  CHECK(reader.read<double, 1>("bf16") == Tensor<double, 1>({4}, {1.0, 1.0, 0x1p-30, -2.5}));
  CHECK(reader.read<double, 1>("f32") == values);
  CHECK(reader.read<double, 1>("f64") == values);
}

TEST_CASE("wrong additions are refused by name and leave the writer as it was") {
  const Tensor<float, 1> values({2}, {1, 2});
  const Tensor<std::int32_t, 1> integers({2}, {1, 2});
  SafetensorsWriter writer;
  writer.add("a", values);
  const std::vector<std::byte> before = writer.bytes();
  const std::string prefix = "SafetensorsWriter::add: tensor ";
  CHECK(argument_error([&] { writer.add("a", values); }) == prefix + "'a': was added before");
  CHECK(argument_error([&] { writer.add("__metadata__", values); }) ==
        prefix + "'__metadata__': name is reserved");
  CHECK(argument_error([&] { writer.add("b\xFF", values); }) ==
        prefix + "'b\xFF': name is not UTF-8");
  CHECK(argument_error([&] { writer.add("b", values, Dtype::i32); }) ==
        prefix + "'b': F32 values cannot be stored as I32");
  CHECK(argument_error([&] { writer.add("b", integers, Dtype::i64); }) ==
        prefix + "'b': I32 values cannot be stored as I64");
  const auto add = [&](const std::vector<Index>& shape) {
    const std::span<const float> span = values.values();
    writer.add<float>("b", shape, span);
  };
  CHECK(argument_error([&] { add({3}); }) == prefix + "'b': 2 values do not fill shape [3]");
  CHECK(argument_error([&] { add({-1, -2}); }) ==
        prefix + "'b': shape [-1, -2] has a size that is negative or above the limit");
  CHECK(argument_error([&] {
          add(std::vector<Index>(17, 1));
        }).ends_with("has more than 16 dimensions"));
  const Index large = Index{1} << 40;
  CHECK(argument_error([&] { add({0, large, large}); }) ==
        prefix + "'b': 2 values do not fill shape [0, 1099511627776, 1099511627776]");
  writer.add_metadata("k", "v");
  CHECK(argument_error([&] { writer.add_metadata("k", "w"); }) ==
        "SafetensorsWriter::add_metadata: key 'k': was added before");
  CHECK(argument_error([&] { writer.add_metadata("l", "\xC3"); }) ==
        "SafetensorsWriter::add_metadata: key 'l': text is not UTF-8");
  SafetensorsWriter same;
  same.add("a", values);
  CHECK(same.bytes() == before);
  same.add_metadata("k", "v");
  CHECK(same.bytes() == writer.bytes());
}

TEST_CASE("names that no reader takes are not written") {
  const Tensor<float, 1> values({1}, {1});
  SafetensorsWriter writer;
  writer.add(std::string(4096, 'n'), values);
  CHECK(argument_error([&] { writer.add(std::string(4097, 'n'), values); }) ==
        "SafetensorsWriter::add: tensor '" + std::string(80, 'n') +
            "...': names are limited to 4096 bytes");
  const std::vector<std::byte> bytes = writer.bytes();
  CHECK(open_tensors(bytes).tensors().size() == 1);
}

TEST_CASE("a value too large for its dtype leaves the old file and no litter") {
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  const Tensor<float, 1> good({2}, {1, 2});
  SafetensorsWriter first;
  first.add("a", good);
  first.write(path);
  const std::string before = text_of_file(path);

  Tensor<float, 1> bad({40'000}, 1);
  bad(30'000) = 7e4F;
  SafetensorsWriter second;
  second.add("a", bad, Dtype::f16);
  CHECK(file_error([&] { second.write(path); }) ==
        path.string() + ": tensor 'a': element 30000 is too large for F16");
  CHECK(file_error([&] { second.bytes(); }) ==
        "memory: tensor 'a': element 30000 is too large for F16");
  CHECK(text_of_file(path) == before);
  CHECK(folder.names() == std::set<std::string>{"a.safetensors"});

  bad(30'000) = std::numeric_limits<float>::infinity();
  second.write(path);
  CHECK(std::isinf(open_tensors(path).read<float, 1>("a")(30'000)));
  CHECK(folder.names() == std::set<std::string>{"a.safetensors"});
}

TEST_CASE("a header above the limit is not written") {
  const Tensor<float, 0> value;
  SafetensorsWriter writer;
  writer.add("a", value);
  writer.add_metadata("k", std::string(10'000'000, 'x'));
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  CHECK_THAT(file_error([&] { writer.write(path); }),
             Catch::Matchers::ContainsSubstring("is above the limit of 10000000"));
  CHECK(folder.names().empty());
}

TEST_CASE("a file that no reader takes is not written, and the old one stays") {
  const Tensor<float, 1> value({1}, {1});
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  SafetensorsWriter good;
  good.add("a", value);
  good.write(path);
  const std::string before = text_of_file(path);
  const auto error = [&](const SafetensorsWriter& writer) {
    const std::string message = file_error([&] { writer.write(path); });
    CHECK(message == file_error([&] { writer.bytes(); }).replace(0, 6, path.string()));
    CHECK(text_of_file(path) == before);
    CHECK(folder.names() == std::set<std::string>{"a.safetensors"});
    return message.substr(path.string().size() + 2);
  };
  SafetensorsWriter long_text;
  long_text.add_metadata("k", std::string(3'000'000, 'x'));
  CHECK(error(long_text) == "header holds a text of more than 2000000 bytes");
  SafetensorsWriter long_key;
  long_key.add_metadata(std::string(3'000'000, 'x'), "");
  CHECK(error(long_key) == "header holds a text of more than 2000000 bytes");
  SafetensorsWriter keys;
  for (int i = 0; i < 10'001; ++i) keys.add_metadata(std::to_string(i), "");
  CHECK(error(keys) == "metadata: more than 10000 keys");
  SafetensorsWriter tensors;
  for (int i = 0; i < 50'001; ++i) tensors.add(std::to_string(i), value);  // not quadratic
  CHECK(error(tensors) == "header has more than 50000 tensors");
}

TEST_CASE("as many tensors as the limit and metadata are read back") {
  const Tensor<std::uint8_t, 1> value({0});
  SafetensorsWriter writer;
  for (int i = 0; i < 50'000; ++i) writer.add(std::to_string(i), value);
  writer.add_metadata("k", "v");
  const std::vector<std::byte> bytes = writer.bytes();
  CHECK(open_tensors(bytes).tensors().size() == 50'000);
}

TEST_CASE("temporary tensors cannot be added, since only views are kept") {
  STATIC_REQUIRE(CanAdd<Tensor<float, 1>&>);
  STATIC_REQUIRE(CanAdd<const Tensor<float, 1>&>);
  STATIC_REQUIRE_FALSE(CanAdd<Tensor<float, 1>>);
}

}  // namespace tessera::io::test
