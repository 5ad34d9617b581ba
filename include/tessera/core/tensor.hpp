#pragma once

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

#include "tessera/core/eigen.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/memory.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

template <class Scalar>
using RowMajorMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Scalar>
using MatrixMap = Eigen::Map<RowMajorMatrix<Scalar>>;
template <class Scalar>
using ConstMatrixMap = Eigen::Map<const RowMajorMatrix<Scalar>>;
template <class Scalar>
using ArrayMap = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
template <class Scalar>
using ConstArrayMap = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

namespace detail {

/// A shape that is empty once moved from, so that a tensor then is.
template <int Rank>
struct OwnShape : Shape<Rank> {
  OwnShape(const Shape<Rank>& shape) : Shape<Rank>(shape) {}
  OwnShape(const OwnShape&) = default;
  OwnShape(OwnShape&& other) noexcept : Shape<Rank>(std::exchange(other.sizes(), {})) {}
  OwnShape& operator=(const OwnShape&) = default;
  OwnShape& operator=(OwnShape&& other) noexcept {
    sizes() = std::exchange(other.sizes(), {});
    return *this;
  }
  ~OwnShape() = default;

  Shape<Rank>& sizes() { return *this; }
};

/// Number of elements of a shape. Throws std::invalid_argument if a size is negative or the product
/// above `most`. One function for all ranks, out of line: every tensor that is made calls it.
[[gnu::noinline]] inline std::size_t checked_count(std::span<const Index> shape, Index most) {
  Index count = 1;
  for (const Index extent : shape) {
    if (!(extent >= 0 && !__builtin_mul_overflow(count, extent, &count))) {
      refuse("Tensor", "shape ", shape, " has a negative size or too many elements");
    }
  }
  if (count > most) refuse("Tensor", "shape ", shape, " has too many elements");
  return static_cast<std::size_t>(count);
}

}  // namespace detail

/// Dense, row-major, contiguous values: static rank, run-time sizes. 64-byte aligned, but where
/// they stay in a mapped file. A plain value: copy copies, move moves and leaves an empty tensor.
/// Rank 0 holds one element.
template <class Scalar, int Rank>
class Tensor {
  static_assert(std::is_arithmetic_v<Scalar> && Rank >= 0);  // so zeros are zero bytes

 public:
  using value_type = Scalar;
  static constexpr int rank = Rank;

  /// No elements (rank 0: one zero).
  Tensor() : Tensor(Shape<Rank>{}) {}

  /// All zeros.
  explicit Tensor(const Shape<Rank>& shape)
      : Tensor(Buffer<Scalar>::zeros(checked_count(shape)), shape) {}

  /// All `value`.
  Tensor(const Shape<Rank>& shape, Scalar value) : Tensor(Uninitialized{}, shape) {
    std::fill_n(data(), size(), value);
  }

  /// The given values in row-major order. Throws std::invalid_argument if their count is not the
  /// shape's.
  Tensor(const Shape<Rank>& shape, std::span<const Scalar> values)
      : Tensor(Uninitialized{}, shape) {
    if (static_cast<Index>(values.size()) != size()) {
      refuse("Tensor", values.size(), " values do not fill shape ", shape);
    }
    std::copy(values.begin(), values.end(), data());
  }
  Tensor(const Shape<Rank>& shape, std::initializer_list<Scalar> values)
      : Tensor(shape, std::span<const Scalar>(values.begin(), values.size())) {}

  /// Memory as it comes, for a caller that writes every element.
  static Tensor empty(const Shape<Rank>& shape) { return Tensor(Uninitialized{}, shape); }

  /// The elements in `memory`. Throws std::invalid_argument if their count is not the shape's.
  static Tensor adopt(Buffer<Scalar> memory, const Shape<Rank>& shape) {
    if (checked_count(shape) != memory.size()) {
      refuse("Tensor::adopt", memory.size(), " values do not fill shape ", shape);
    }
    return Tensor(std::move(memory), shape);
  }

  const Shape<Rank>& shape() const { return shape_; }
  Index dim(int axis) const { return shape_[static_cast<std::size_t>(axis)]; }
  Index size() const { return static_cast<Index>(buffer_.size()); }

  /// Columns are the last axis, rows all others folded (rank 0 and 1: one row).
  Index cols() const {
    if constexpr (Rank == 0) {
      return 1;
    } else {
      return shape_.back();
    }
  }
  Index rows() const {
    Index count = 1;
    for (int axis = 0; axis + 1 < Rank; ++axis) count *= dim(axis);
    return count;
  }

  Scalar* data() { return buffer_.data(); }
  const Scalar* data() const { return buffer_.data(); }
  Scalar* row(Index r) { return data() + r * cols(); }
  const Scalar* row(Index r) const { return data() + r * cols(); }

  std::span<Scalar> values() { return {data(), buffer_.size()}; }
  std::span<const Scalar> values() const { return {data(), buffer_.size()}; }

  Scalar* begin() { return data(); }
  Scalar* end() { return data() + size(); }
  const Scalar* begin() const { return data(); }
  const Scalar* end() const { return data() + size(); }

  /// Element at one index per axis. Not checked.
  template <std::convertible_to<Index>... Indices>
    requires(sizeof...(Indices) == Rank)
  Scalar& operator()(Indices... indices) {
    return data()[offset(static_cast<Index>(indices)...)];
  }
  template <std::convertible_to<Index>... Indices>
    requires(sizeof...(Indices) == Rank)
  const Scalar& operator()(Indices... indices) const {
    return data()[offset(static_cast<Index>(indices)...)];
  }

  /// The one element of a tensor of size 1.
  Scalar item() const {
    if (size() != 1) refuse("Tensor::item", "shape ", shape_, " does not hold exactly one element");
    return *data();
  }

  /// [rows, cols] with the leading axes folded.
  MatrixMap<Scalar> matrix() { return {data(), rows(), cols()}; }
  ConstMatrixMap<Scalar> matrix() const { return {data(), rows(), cols()}; }
  ArrayMap<Scalar> array() { return {data(), size()}; }
  ConstArrayMap<Scalar> array() const { return {data(), size()}; }

  /// A tensor of the same elements in another shape; moves when called on a temporary. Throws
  /// std::invalid_argument if the counts differ.
  template <std::size_t NewRank>
  Tensor<Scalar, static_cast<int>(NewRank)> reshaped(const std::array<Index, NewRank>& shape) && {
    using Reshaped = Tensor<Scalar, static_cast<int>(NewRank)>;
    if (Reshaped::checked_count(shape) != buffer_.size()) {
      refuse("Tensor::reshaped", "shape ", shape_, " cannot become ", shape);
    }
    return {std::move(buffer_), shape};
  }
  template <std::size_t NewRank>
  Tensor<Scalar, static_cast<int>(NewRank)> reshaped(
      const std::array<Index, NewRank>& shape) const& {
    return Tensor(*this).reshaped(shape);
  }

  /// Every element converted.
  template <class Other>
  Tensor<Other, Rank> cast() const {
    Tensor<Other, Rank> converted = Tensor<Other, Rank>::empty(shape_);
    std::transform(begin(), end(), converted.begin(),
                   [](Scalar value) { return static_cast<Other>(value); });
    return converted;
  }

  /// Same shape and same values.
  friend bool operator==(const Tensor& a, const Tensor& b) {
    return a.shape_ == b.shape_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  template <class, int>
  friend class Tensor;
  struct Uninitialized {};
  static constexpr Index max_elements = (Index{1} << 60) / static_cast<Index>(sizeof(Scalar));

  Tensor(Uninitialized, const Shape<Rank>& shape) : shape_(shape), buffer_(checked_count(shape)) {}
  Tensor(Buffer<Scalar> buffer, const Shape<Rank>& shape)
      : shape_(shape), buffer_(std::move(buffer)) {}

  static std::size_t checked_count(const Shape<Rank>& shape) {
    return detail::checked_count(shape, max_elements);
  }

  template <class... Indices>
  Index offset(Indices... indices) const {
    Index flat = 0;
    [[maybe_unused]] std::size_t axis = 0;
    ((flat = flat * shape_[axis++] + indices), ...);
    return flat;
  }

  detail::OwnShape<Rank> shape_;
  Buffer<Scalar> buffer_;
};

}  // namespace tessera
