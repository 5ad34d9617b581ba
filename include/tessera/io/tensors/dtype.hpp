#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "tessera/core/shape.hpp"
#include "tessera/io/tensors/float16.hpp"

namespace tessera::io {

/// Type of a tensor's values in a file. In the order in which files sort them, last first.
enum class Dtype { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

/// C++ types whose values a file can hold.
template <class T>
concept Storable =
    (std::integral<T> && sizeof(T) <= 8) || std::same_as<T, float> || std::same_as<T, double>;

namespace detail {

static_assert(std::endian::native == std::endian::little, "files are little-endian");
static_assert(sizeof(bool) == 1 && std::numeric_limits<float>::is_iec559);

struct DtypeRow {
  std::string_view name;
  int size;  // bytes
};

/// Indexed by Dtype.
inline constexpr std::array<DtypeRow, 13> dtype_rows{{{"BOOL", 1},
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

}  // namespace detail

/// As safetensors writes it: "F32".
constexpr std::string_view dtype_name(Dtype dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].name;
}

/// Bytes of one value.
constexpr int dtype_size(Dtype dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].size;
}

/// The dtype of that name, or nothing.
constexpr std::optional<Dtype> find_dtype(std::string_view name) {
  for (std::size_t row = 0; row < detail::dtype_rows.size(); ++row) {
    if (detail::dtype_rows[row].name == name) return static_cast<Dtype>(row);
  }
  return std::nullopt;
}

/// The dtype that holds T as it is.
template <Storable T>
constexpr Dtype dtype_of() {
  if constexpr (std::same_as<T, bool>) {
    return Dtype::boolean;
  } else if constexpr (std::floating_point<T>) {
    return sizeof(T) == 4 ? Dtype::f32 : Dtype::f64;
  } else {
    constexpr std::array<Dtype, 4> with_sign{Dtype::i8, Dtype::i16, Dtype::i32, Dtype::i64};
    constexpr std::array<Dtype, 4> without{Dtype::u8, Dtype::u16, Dtype::u32, Dtype::u64};
    constexpr auto log_size = static_cast<std::size_t>(std::countr_zero(sizeof(T)));
    return std::is_signed_v<T> ? with_sign[log_size] : without[log_size];
  }
}

constexpr bool is_float(Dtype dtype) {
  return dtype == Dtype::f16 || dtype == Dtype::bf16 || dtype == Dtype::f32 || dtype == Dtype::f64;
}

/// True if values of type T can be read from and written as `dtype`: any float from any float,
/// everything else only as it is.
template <Storable T>
constexpr bool is_convertible(Dtype dtype) {
  return dtype == dtype_of<T>() || (std::floating_point<T> && is_float(dtype));
}

namespace detail {

/// Bytes that values of this shape need, or nothing if some product of sizes is beyond 63 bits.
/// A size of 0 counts as 1 in that check: the other sizes alone must not overflow either.
inline std::optional<std::uint64_t> byte_count(std::span<const Index> shape, Dtype dtype) {
  Index bytes = dtype_size(dtype);
  bool empty = false;
  for (const Index extent : shape) {
    empty = empty || extent == 0;
    if (__builtin_mul_overflow(bytes, std::max<Index>(extent, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

template <class Stored, class T, class Convert>
Index decode_each(const std::byte* bytes, std::span<T> values, const Convert& convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes + i * sizeof(Stored), sizeof(Stored));
    if (!convert(stored, values[i])) return static_cast<Index>(i);
  }
  return static_cast<Index>(values.size());
}

template <class Stored, class T, class Convert>
Index encode_each(std::span<const T> values, std::byte* bytes, const Convert& convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Stored stored = convert(values[i]);
    std::memcpy(bytes + i * sizeof(Stored), &stored, sizeof(Stored));
  }
  return static_cast<Index>(values.size());
}

/// A finite value must not become infinite on the way.
template <class To, class From>
bool narrow(From from, To& to) {
  to = static_cast<To>(from);
  return std::isfinite(to) || !std::isfinite(from);
}

/// Turns stored bytes into `values` and returns how many could be: the first value that T cannot
/// hold (a float overflow, a bool that is neither 0 nor 1) ends it. Needs is_convertible<T>(dtype).
template <Storable T>
Index decode_values(Dtype dtype, const std::byte* bytes, std::span<T> values) {
  if constexpr (std::same_as<T, bool>) {
    return decode_each<std::uint8_t>(bytes, values, [](std::uint8_t stored, bool& value) {
      value = stored == 1;
      return stored <= 1;
    });
  } else if constexpr (std::floating_point<T>) {
    if (dtype == Dtype::f16) {
      return decode_each<std::uint16_t>(bytes, values, [](std::uint16_t stored, T& value) {
        value = static_cast<T>(float_from_half(stored));
        return true;
      });
    }
    if (dtype == Dtype::bf16) {
      return decode_each<std::uint16_t>(bytes, values, [](std::uint16_t stored, T& value) {
        value = static_cast<T>(float_from_bfloat16(stored));
        return true;
      });
    }
    if (dtype == Dtype::f32) return decode_each<float>(bytes, values, narrow<T, float>);
    return decode_each<double>(bytes, values, narrow<T, double>);
  } else {
    if (!values.empty()) std::memcpy(values.data(), bytes, values.size_bytes());
    return static_cast<Index>(values.size());
  }
}

/// Turns `values` into stored bytes and returns how many could be: the first finite value that
/// would be stored as infinite ends it. Needs is_convertible<T>(dtype).
template <Storable T>
Index encode_values(std::span<const T> values, Dtype dtype, std::byte* bytes) {
  if constexpr (std::floating_point<T>) {
    const auto fits = [dtype](T value) {
      const auto magnitude = std::abs(static_cast<double>(value));
      // Half a unit in the last place above the largest finite value rounds to infinity.
      const double limit = dtype == Dtype::f16    ? 0x1.FFEp15
                           : dtype == Dtype::bf16 ? 0x1.FFp127
                           : dtype == Dtype::f32  ? 0x1.FFFFFFp127
                                                  : std::numeric_limits<double>::infinity();
      return magnitude < limit || !std::isfinite(value);
    };
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!fits(values[i])) {
        values = values.first(i);
        break;
      }
    }
    if (dtype == Dtype::f16) {
      return encode_each<std::uint16_t>(values, bytes,
                                        [](T value) { return half_from_float(value); });
    }
    if (dtype == Dtype::bf16) {
      return encode_each<std::uint16_t>(values, bytes,
                                        [](T value) { return bfloat16_from_float(value); });
    }
    if (dtype == Dtype::f32) {
      return encode_each<float>(values, bytes, [](T value) { return static_cast<float>(value); });
    }
    return encode_each<double>(values, bytes, [](T value) { return static_cast<double>(value); });
  } else {
    if (!values.empty()) std::memcpy(bytes, values.data(), values.size_bytes());
    return static_cast<Index>(values.size());
  }
}

}  // namespace detail

}  // namespace tessera::io
