#include "tessera/io/tensors/stored_tensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

template <class T>
StoredTensor stored(const std::vector<T>& values, std::vector<Index> shape,
                    std::vector<Index> strides = {}) {
  return {
      "a", dtype_of<T>(), std::move(shape), std::move(strides), std::as_bytes(std::span(values)),
      {}};
}

template <class Scalar>
std::vector<Scalar> copied(const StoredTensor& tensor) {
  std::vector<Scalar> values(static_cast<std::size_t>(tensor.element_count()));
  copy_values(tensor, std::span(values));
  return values;
}

}  // namespace

TEST_CASE("elements are counted over all dimensions") {
  CHECK(StoredTensor{}.element_count() == 1);
  CHECK(StoredTensor{"", Dtype::f32, {2, 3, 4}, {}, {}, {}}.element_count() == 24);
  CHECK(StoredTensor{"", Dtype::f32, {2, 0}, {}, {}, {}}.element_count() == 0);
}

TEST_CASE("row-major values are converted") {
  const std::vector<double> doubles{0.5, -2, 1e300, -0.0};
  CHECK(copied<double>(stored(doubles, {2, 2})) == doubles);
  const std::vector<float> floats{0.5f, -2, std::numeric_limits<float>::infinity()};
  CHECK(copied<double>(stored(floats, {3})) ==
        std::vector<double>{0.5, -2, std::numeric_limits<double>::infinity()});
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000};  // 1, -2
  StoredTensor tensor = stored(halves, {2});
  tensor.dtype = Dtype::f16;
  CHECK(copied<float>(tensor) == std::vector<float>{1, -2});
  tensor.dtype = Dtype::bf16;
  CHECK(copied<float>(tensor) == std::vector<float>{0.0078125f, -2});
  CHECK(copied<double>(stored(std::vector<double>{}, {0, 3})).empty());
}

TEMPLATE_TEST_CASE("strided values come out row-major", "", float, double, std::uint8_t,
                   std::int16_t) {
  std::vector<TestType> values(24);
  std::iota(values.begin(), values.end(), TestType{0});
  // [4, 6] seen as [6, 4]
  std::vector<TestType> expected;
  for (int column = 0; column < 6; ++column) {
    for (int row = 0; row < 4; ++row) expected.push_back(static_cast<TestType>(6 * row + column));
  }
  CHECK(copied<TestType>(stored(values, {6, 4}, {1, 6})) == expected);
  // repeated along the first dimension, every second element of the last
  const std::vector<TestType> pair{0, 2};
  CHECK(copied<TestType>(stored(values, {2, 1, 2}, {0, 9, 2})) ==
        std::vector<TestType>{pair[0], pair[1], pair[0], pair[1]});
}

TEST_CASE("a long strided tensor crosses every internal boundary") {
  constexpr Index rows = 97;
  constexpr Index columns = 101;
  std::vector<float> values(rows * columns);
  std::iota(values.begin(), values.end(), 0.0f);
  const std::vector<double> transposed =
      copied<double>(stored(values, {columns, rows}, {1, columns}));
  Index wrong = 0;
  for (Index column = 0; column < columns; ++column) {
    for (Index row = 0; row < rows; ++row) {
      const double found = transposed[static_cast<std::size_t>(column * rows + row)];
      wrong += found == static_cast<double>(row * columns + column) ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a long row-major tensor of a mapped file is converted without memory of its own") {
  const ScratchFolder folder;
  constexpr Index count = 700'001;  // several chunks, and a rest
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  write_file(folder / "values", std::as_bytes(std::span(values)));
  const auto file = std::make_shared<const MappedFile>(folder / "values");
  const StoredTensor tensor{"a", Dtype::f32, {count}, {}, file->bytes(), file};
  std::vector<float> read(count);
  std::vector<double> doubles(count);
  CHECK(tessera::test::heap_bytes_of([&] {
          copy_values(tensor, std::span(read));
          copy_values(tensor, std::span(doubles));
        }) == 0);
  CHECK(read == values);
  CHECK(std::equal(doubles.begin(), doubles.end(), values.begin(),
                   [](double a, float b) { return a == static_cast<double>(b); }));
}

TEST_CASE("the first value that does not fit is found") {
  std::vector<double> doubles(300'000, 1);
  CHECK_FALSE(find_unreadable<float>(stored(doubles, {300'000})));
  doubles[299'999] = -1e39;
  CHECK(find_unreadable<float>(stored(doubles, {300'000})) == 299'999);
  CHECK_FALSE(find_unreadable<double>(stored(doubles, {300'000})));
  doubles[270'000] = 1e39;
  CHECK(find_unreadable<float>(stored(doubles, {300'000})) == 270'000);
  doubles[0] = std::numeric_limits<double>::infinity();  // stays what it is
  doubles[1] = std::nan("");
  CHECK(find_unreadable<float>(stored(doubles, {300'000})) == 270'000);
  // Reversed order of rows and columns: 270'000 is row 2, column 70'000 of [3, 100'000].
  CHECK(find_unreadable<float>(stored(doubles, {100'000, 3}, {1, 100'000})) == 3 * 70'000 + 2);

  const std::vector<std::uint8_t> flags{1, 0, 2};
  StoredTensor tensor = stored(flags, {3});
  tensor.dtype = Dtype::boolean;
  CHECK(find_unreadable<bool>(tensor) == 2);
}

TEST_CASE("values are mapped where they lie, unless they must be made or are no file's") {
  const ScratchFolder folder;
  std::vector<float> numbers(64);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(numbers));
  std::vector<std::byte> contents(8, std::byte{});
  contents.insert(contents.end(), bytes.begin(), bytes.end());
  write_file(folder / "a.bin", contents);
  const auto file = std::make_shared<const MappedFile>(folder / "a.bin");
  const auto in_file = [&](std::size_t offset, std::size_t size) {
    return file->bytes().subspan(offset, size);
  };
  StoredTensor tensor{"a", Dtype::f32, {4, 16}, {}, in_file(8, 256), file};
  const auto mapped = map_values<float>(tensor);
  REQUIRE(mapped.has_value());
  CHECK(std::equal(numbers.begin(), numbers.end(), mapped->data(), mapped->data() + 64));
  CHECK(!map_values<double>(tensor).has_value());
  StoredTensor changed = tensor;
  changed.dtype = Dtype::f16;
  changed.bytes = in_file(8, 128);
  CHECK(!map_values<float>(changed).has_value());
  changed = tensor;
  changed.strides = {1, 4};
  CHECK(!map_values<float>(changed).has_value());
  changed = tensor;
  changed.shape = {63};
  changed.bytes = in_file(9, 252);  // between floats
  CHECK(!map_values<float>(changed).has_value());
  changed = tensor;
  changed.shape = {0, 3};
  changed.bytes = in_file(8, 0);
  CHECK(!map_values<float>(changed).has_value());
  changed = tensor;
  changed.file = nullptr;
  CHECK(!map_values<float>(changed).has_value());
  changed = tensor;
  changed.file = std::make_shared<const MappedFile>(folder / "a.bin", false);
  changed.bytes = changed.file->bytes().subspan(8);
  CHECK(!map_values<float>(changed).has_value());
}

}  // namespace tessera::io::test
