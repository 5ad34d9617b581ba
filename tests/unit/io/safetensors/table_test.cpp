#include "tessera/io/safetensors/table.hpp"

#include <atomic>
#include <fstream>
#include <thread>
#include <type_traits>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

/// The bytes of a file: length, JSON, data.
std::vector<std::byte> file_of(const std::string& json, std::span<const std::byte> data,
                               std::uint64_t length) {
  std::vector<std::byte> bytes(8);
  std::memcpy(bytes.data(), &length, 8);
  const std::vector<std::byte> text = bytes_of(json);
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}
std::vector<std::byte> file_of(const std::string& json, std::span<const std::byte> data = {}) {
  return file_of(json, data, json.size());
}

/// One tensor 'a'.
template <class T>
std::vector<std::byte> file_with(const std::string& dtype, const std::string& shape,
                                 const std::vector<T>& values) {
  const auto data = std::as_bytes(std::span(values));
  return file_of(R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" +
                     std::to_string(data.size()) + "]}}",
                 data);
}

template <class T>
concept CanOpen = requires(T&& bytes) { open_tensors(std::forward<T>(bytes)); };

}  // namespace

TEST_CASE("tensors are listed and read by name") {
  const TensorSource reader = open_tensors(golden / "format.safetensors");
  CHECK(reader.label() == (golden / "format.safetensors").string());
  CHECK(reader.tensors().size() == 26);
  CHECK(reader.metadata() == TensorMetadata{{"größe", "a \"b\"\t\x02"}});
  CHECK(reader.contains("a.f4"));
  CHECK_FALSE(reader.contains("a.f"));
  CHECK(reader.tensor("z.u2").dtype == Dtype::u16);
  CHECK(reader.tensor("z.u2").shape == std::vector<Index>{2, 3});
  CHECK(reader.read<float, 1>("") == Tensor<float, 1>({3}, {0.0F, 1.0F, 2.0F}));
  CHECK(reader.read<float, 3>("naïve \"quoted\"\\\n\x01\x7f/名前").shape() == Shape<3>{2, 0, 3});
  CHECK(reader.read<std::int64_t, 0>("a.i8").item() == reader.read<std::int64_t, 2>("z.i8")(1, 0));
}

TEMPLATE_TEST_CASE("floats of every stored kind become the float asked for", "", float, double) {
  const std::vector<float> singles{1.5F, -0.0F, 0x1p-149F};
  const std::vector<double> doubles{1.5, 1.0 + 0x1p-30, -1e-300};
  const std::vector<std::uint16_t> halves{0x3E00, 0x8000, 0x0001};
  const auto read = [](const auto& bytes) {
    return open_tensors(bytes).template read<TestType, 1>("a");
  };
  CHECK(read(file_with("F32", "[3]", singles)) == Tensor<TestType, 1>({3}, {1.5, 0, 0x1p-149}));
  CHECK(read(file_with("F16", "[3]", halves)) == Tensor<TestType, 1>({3}, {1.5, 0, 0x1p-24}));
  const Tensor<TestType, 1> brain = read(file_with("BF16", "[3]", halves));
  CHECK(brain == Tensor<TestType, 1>({3}, {0.125, 0, TestType(0x1p-133)}));
  CHECK(std::signbit(brain(1)));
  CHECK(read(file_with("F64", "[3]", doubles)) ==
        Tensor<TestType, 1>({3}, {TestType(1.5), static_cast<TestType>(1.0 + 0x1p-30),
                                  static_cast<TestType>(-1e-300)}));
}

TEST_CASE("conversion works across chunks") {
  std::vector<double> values(10'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) / 8;
  std::vector<std::byte> bytes = file_with("F64", "[100,100]", values);
  const Tensor<float, 2> tensor = open_tensors(bytes).read<float, 2>("a");
  CHECK(std::equal(tensor.begin(), tensor.end(), values.begin(), values.end(),
                   [](float a, double b) { return static_cast<double>(a) == b; }));
  values[9'000] = 1e39;
  bytes = file_with("F64", "[100,100]", values);
  CHECK(file_error([&] { open_tensors(bytes).read<float, 2>("a"); }) ==
        "memory: tensor 'a': element 9000 is no value of F32");
}

TEST_CASE("read_into fills memory of the same count and shape") {
  const auto bytes = file_with("F32", "[2,2]", std::vector<float>{1, 2, 3, 4});
  const TensorSource reader = open_tensors(bytes, "weights");
  std::vector<double> values(4);
  reader.read_into("a", std::span(values));
  CHECK(values == std::vector<double>{1, 2, 3, 4});
  Tensor<float, 2> tensor({2, 2});
  reader.read_into("a", tensor);
  CHECK(tensor == Tensor<float, 2>({2, 2}, {1, 2, 3, 4}));
  CHECK(reader.tensor("a").bytes.size() == 16);
  CHECK(std::memcmp(reader.tensor("a").bytes.data(), tensor.data(), 16) == 0);

  Tensor<float, 1> flat({4}, 9);
  CHECK(file_error([&] { reader.read_into("a", flat); }) ==
        "weights: tensor 'a': has shape [2, 2], but [4] was expected");
  CHECK(flat == Tensor<float, 1>({4}, 9));
  std::vector<float> short_by_one(3, 9);
  CHECK(file_error([&] { reader.read_into("a", std::span(short_by_one)); }) ==
        "weights: tensor 'a': has 4 elements, but 3 were expected");
  CHECK(short_by_one == std::vector<float>(3, 9));
}

TEST_CASE("what does not fit the request is refused by name") {
  const auto bytes = file_with("I32", "[2]", std::vector<std::int32_t>{1, 2});
  const TensorSource reader = open_tensors(bytes, "weights");
  CHECK(file_error([&] { reader.read<float, 1>("a"); }) ==
        "weights: tensor 'a': is stored as I32, which is not read as F32");
  CHECK(file_error([&] { reader.read<std::int64_t, 1>("a"); }) ==
        "weights: tensor 'a': is stored as I32, which is not read as I64");
  CHECK(file_error([&] { reader.read<std::int32_t, 2>("a"); }) ==
        "weights: tensor 'a': has shape [2], but rank 2 was asked for");
  CHECK(file_error([&] { reader.read<std::int32_t, 1>("b"); }) ==
        "weights: tensor 'b': is not among the 1 tensors of the file");
  CHECK(file_error([&] { reader.tensor("b"); }) ==
        "weights: tensor 'b': is not among the 1 tensors of the file");
  CHECK(reader.read<std::int32_t, 1>("a") == Tensor<std::int32_t, 1>({2}, {1, 2}));
}

TEST_CASE("a value that cannot be read changes nothing") {
  const auto flags = file_with("BOOL", "[3]", std::vector<std::uint8_t>{1, 0, 2});
  Tensor<bool, 1> tensor({3}, true);
  CHECK(file_error([&] { open_tensors(flags).read_into("a", tensor); }) ==
        "memory: tensor 'a': element 2 is no value of BOOL");
  CHECK(tensor == Tensor<bool, 1>({3}, true));
  const auto large = file_with("F64", "[2]", std::vector<double>{1, -1e300});
  std::vector<float> values(2, 9);
  CHECK(file_error([&] { open_tensors(large).read_into("a", std::span(values)); }) ==
        "memory: tensor 'a': element 1 is no value of F32");
  CHECK(values == std::vector<float>(2, 9));
}

TEST_CASE("files that lie about the header's length are refused before it is read") {
  const auto error = [](const std::vector<std::byte>& bytes) {
    std::string message;
    const std::size_t allocated = tessera::test::heap_bytes_of(
        [&] { message = file_error([&] { read_safetensors(bytes); }); });
    CHECK(allocated < 2048);
    return message;
  };
  for (std::size_t size = 0; size < 8; ++size) {
    CHECK(error(std::vector<std::byte>(size)) ==
          "memory: has " + std::to_string(size) + " bytes; the length of the header alone takes 8");
  }
  CHECK(error(file_of("", {}, 0)) == "memory: header does not begin with '{'");
  CHECK(error(file_of("{}", {}, 3)) == "memory: header of 3 bytes does not fit the file of 10");
  CHECK(error(file_of("{}", {}, 1)) ==
        "memory: header is not JSON in UTF-8 (stopped at its byte 2)");
  CHECK(error(file_of("{}", {}, 10'000'000)) ==
        "memory: header of 10000000 bytes does not fit the file of 10");
  CHECK(error(file_of("{}", {}, 10'000'001)) ==
        "memory: header of 10000001 bytes is above the limit of 10000000");
  CHECK(error(file_of("{}", {}, ~std::uint64_t{0})) ==
        "memory: header of 18446744073709551615 bytes is above the limit of 10000000");
  CHECK(error(file_of("{}", {}, ~std::uint64_t{0} - 7)) ==
        "memory: header of 18446744073709551608 bytes is above the limit of 10000000");
}

TEST_CASE("a small file that claims huge tensors is refused before they are allocated") {
  const auto bytes =
      file_of(R"({"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}})",
              bytes_of("1234"));
  std::string message;
  const std::size_t allocated =
      tessera::test::heap_bytes_of([&] { message = file_error([&] { read_safetensors(bytes); }); });
  CHECK(message == "memory: tensor 'a': ends at byte 4398046511104 of the data, which has only 4");
  CHECK(allocated < 8192);
}

TEST_CASE("a huge sparse file with a huge header is refused before it is read") {
  const ScratchFolder folder;
  const auto path = folder / "sparse.safetensors";
  const std::uint64_t length = 200'000'000;
  write_file(path, std::as_bytes(std::span(&length, 1)));
  std::filesystem::resize_file(path, 1'000'000'000);
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of([&] {
    message = file_error([&] { read_safetensors(MappedFile(path).bytes(), path.string()); });
  });
  CHECK(message == path.string() + ": header of 200000000 bytes is above the limit of 10000000");
  CHECK(allocated < 4096);
}

TEST_CASE("a file cut off at any byte is refused and named") {
  const std::vector<std::byte> whole = read_file(golden / "format.safetensors", 1 << 20);
  const ScratchFolder folder;
  const auto path = folder / "cut.safetensors";
  int accepted = 0;
  int unnamed = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::span<const std::byte> part = std::span(whole).first(size);
    const std::string message = file_error([&] { read_safetensors(part, "cut"); });
    accepted += message == "(no exception)" ? 1 : 0;
    unnamed += message.starts_with("cut: ") ? 0 : 1;
  }
  CHECK(accepted == 0);
  CHECK(unnamed == 0);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, whole.size() - 1}) {
    write_file(path, std::span(whole).first(size));
    CHECK(file_error([&] { open_tensors(path); }).starts_with(path.string()));
  }
}

TEST_CASE("without a mapping a file may shrink after it was opened") {
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  write_file(path, file_with("F32", "[3]", std::vector<float>{1, 2, 3}));
  const TensorSource reader = open_tensors(path, {.map = false});
  REQUIRE(reader.tensor("a").file != nullptr);
  CHECK_FALSE(reader.tensor("a").file->is_mapped());
  std::filesystem::resize_file(path, 4);
  Tensor<float, 1> tensor({3}, 9);
  reader.read_into("a", tensor);
  CHECK(tensor == Tensor<float, 1>({3}, {1, 2, 3}));
}

TEST_CASE("temporary bytes cannot be opened, since only a view is kept") {
  STATIC_REQUIRE_FALSE(CanOpen<std::vector<std::byte>>);
  STATIC_REQUIRE(CanOpen<const std::vector<std::byte>&>);
  STATIC_REQUIRE(CanOpen<const char*>);
}

TEST_CASE("trailing bytes are read only on request") {
  auto bytes = file_with("U8", "[1]", std::vector<std::uint8_t>{7});
  bytes.resize(bytes.size() + 4);
  CHECK(file_error([&] { open_tensors(bytes); }) == "memory: 4 bytes follow the last tensor");
  const TensorSource reader =
      open_tensors(bytes, "memory", {.safetensors = {.allow_trailing_bytes = true}});
  CHECK(reader.read<std::uint8_t, 1>("a")(0) == 7);
}

TEST_CASE("a missing file and a folder are named") {
  CHECK(file_error([] { open_tensors("/missing/x.safetensors"); }) ==
        "/missing/x.safetensors: cannot be opened: No such file or directory");
  CHECK(file_error([] { open_tensors(golden); }) == golden.string() + ": is not a regular file");
}

TEST_CASE("an opened file can be moved and shared by threads", "[threads]") {
  TensorSource first = open_tensors(golden / "format.safetensors");
  const TensorSource reader = std::move(first);
  const Tensor<double, 2> expected = reader.read<double, 2>("z.f8");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        if (!(reader.read<double, 2>("z.f8") == expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace tessera::io::test
