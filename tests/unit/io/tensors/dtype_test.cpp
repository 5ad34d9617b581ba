#include "tessera/io/tensors/dtype.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace tessera::io {

TEST_CASE("dtype names, sizes and C++ types agree") {
  const std::array<std::pair<const char*, int>, 13> expected{{{"BOOL", 1},
                                                              {"U8", 1},
                                                              {"I8", 1},
                                                              {"I16", 2},
                                                              {"U16", 2},
                                                              {"F16", 2},
                                                              {"BF16", 2},
                                                              {"I32", 4},
                                                              {"U32", 4},
                                                              {"F32", 4},
                                                              {"F64", 8},
                                                              {"I64", 8},
                                                              {"U64", 8}}};
  for (const auto& [name, size] : expected) {
    CAPTURE(name);
    const std::optional<Dtype> dtype = find_dtype(name);
    REQUIRE(dtype.has_value());
    CHECK(dtype_name(*dtype) == name);
    CHECK(dtype_size(*dtype) == size);
  }
  for (const char* name : {"", "f32", "F32 ", "F8_E4M3", "C64", "F128"}) {
    CHECK_FALSE(find_dtype(name).has_value());
  }
  CHECK(dtype_of<bool>() == Dtype::boolean);
  CHECK(dtype_of<std::uint8_t>() == Dtype::u8);
  CHECK(dtype_of<std::int8_t>() == Dtype::i8);
  CHECK(dtype_of<std::uint16_t>() == Dtype::u16);
  CHECK(dtype_of<std::int16_t>() == Dtype::i16);
  CHECK(dtype_of<std::uint32_t>() == Dtype::u32);
  CHECK(dtype_of<std::int32_t>() == Dtype::i32);
  CHECK(dtype_of<std::uint64_t>() == Dtype::u64);
  CHECK(dtype_of<long>() == Dtype::i64);
  CHECK(dtype_of<long long>() == Dtype::i64);
  CHECK(dtype_of<float>() == Dtype::f32);
  CHECK(dtype_of<double>() == Dtype::f64);
  STATIC_REQUIRE_FALSE(Storable<long double>);
}

TEST_CASE("only floats change their kind") {
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    CHECK(is_convertible<float>(dtype));
    CHECK(is_convertible<double>(dtype));
    CHECK_FALSE(is_convertible<std::int32_t>(dtype));
    CHECK_FALSE(is_convertible<std::uint16_t>(dtype));
    CHECK_FALSE(is_convertible<bool>(dtype));
  }
  CHECK(is_convertible<std::int32_t>(Dtype::i32));
  CHECK_FALSE(is_convertible<std::int32_t>(Dtype::i64));
  CHECK_FALSE(is_convertible<std::int32_t>(Dtype::u32));
  CHECK_FALSE(is_convertible<float>(Dtype::i32));
  CHECK_FALSE(is_convertible<bool>(Dtype::u8));
  CHECK_FALSE(is_convertible<std::uint8_t>(Dtype::boolean));
}

TEST_CASE("decoding stops at the first value that does not fit") {
  const std::array<double, 4> stored{1.0, std::numeric_limits<double>::infinity(), 1e39, 2.0};
  const auto* bytes = reinterpret_cast<const std::byte*>(stored.data());
  std::array<float, 4> floats{};
  CHECK(detail::decode_values<float>(Dtype::f64, bytes, floats) == 2);
  CHECK(floats[1] == std::numeric_limits<float>::infinity());
  std::array<double, 4> doubles{};
  CHECK(detail::decode_values<double>(Dtype::f64, bytes, doubles) == 4);
  CHECK(doubles == stored);

  const std::array<std::byte, 3> flags{std::byte{1}, std::byte{0}, std::byte{2}};
  std::array<bool, 3> values{};
  CHECK(detail::decode_values<bool>(Dtype::boolean, flags.data(), values) == 2);
  CHECK(values[0]);
  CHECK_FALSE(values[1]);
}

TEST_CASE("encoding stops at the first finite value that would become infinite") {
  const auto encoded = [](auto value, Dtype dtype) {
    std::array<std::byte, 8> bytes{};
    const std::array<decltype(value), 1> values{value};
    return detail::encode_values<decltype(value)>(values, dtype, bytes.data());
  };
  // The largest value that still rounds down, and the tie that does not.
  CHECK(encoded(65519.99, Dtype::f16) == 1);
  CHECK(encoded(65520.0, Dtype::f16) == 0);
  CHECK(encoded(-65520.0F, Dtype::f16) == 0);
  CHECK(encoded(0x1.FEFFFEp127F, Dtype::bf16) == 1);
  CHECK(encoded(0x1.FFp127F, Dtype::bf16) == 0);
  CHECK(encoded(0x1.FFFFFEFFp127, Dtype::f32) == 1);
  CHECK(encoded(0x1.FFFFFFp127, Dtype::f32) == 0);
  CHECK(encoded(std::numeric_limits<float>::max(), Dtype::f32) == 1);
  CHECK(encoded(std::numeric_limits<double>::max(), Dtype::f64) == 1);
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    CHECK(encoded(std::numeric_limits<double>::infinity(), dtype) == 1);
    CHECK(encoded(std::numeric_limits<double>::quiet_NaN(), dtype) == 1);
  }
}

TEST_CASE("encoding rounds once") {
  // Rounding to float first would give a tie and then the even neighbour, 1.
  const std::array<double, 1> value{1.0 + 0x1p-11 + 0x1p-40};
  std::array<std::byte, 2> bytes{};
  REQUIRE(detail::encode_values<double>(value, Dtype::f16, bytes.data()) == 1);
  std::array<double, 1> back{};
  REQUIRE(detail::decode_values<double>(Dtype::f16, bytes.data(), back) == 1);
  CHECK(back[0] == 1.0 + 0x1p-10);
}

TEST_CASE("byte_count multiplies without overflow, and a size of 0 hides none") {
  const auto count = [](std::vector<Index> shape, Dtype dtype) {
    return detail::byte_count(shape, dtype);
  };
  constexpr Index large = Index{1} << 40;
  CHECK(count({}, Dtype::f64) == 8);
  CHECK(count({2, 3}, Dtype::bf16) == 12);
  CHECK(count({2, 0, 3}, Dtype::f32) == 0);
  CHECK(count({large, large}, Dtype::u8) == std::nullopt);
  CHECK(count({0, large, large}, Dtype::u8) == std::nullopt);
}

}  // namespace tessera::io
