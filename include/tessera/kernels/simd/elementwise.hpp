#pragma once

#include <utility>

#include "tessera/kernels/simd/dispatch.hpp"

// Formulas over arrays. A formula is a function of values, vectors or single numbers alike:
//
//     elementwise<Scalar>(
//         count,
//         [=](const auto& x, auto& y) __attribute__((always_inline)) { y = x * factor; }, in,
//         written(out));
//
// Each value belongs to one of the arrays after it: `const Scalar*` is read, `Scalar*` is read and
// then overwritten, and the marks below say what else an array may be. All arrays are read at a
// place before any is written there, so they may be the same. The last few elements are computed as
// a whole vector is, so that a value's bits do not depend on its place; beyond them arrays read as
// zero.

namespace tessera::kernels {

/// An array that is written and not read.
template <class Scalar>
struct Written {
  Scalar* data;
};
template <class Scalar>
Written<Scalar> written(Scalar* data) {
  return {data};
}

/// An array that reads as `fill` beyond its last element: sums over whole vectors then do not see
/// what is beyond.
template <class Pointer, class Scalar>
struct Padded {
  Pointer data;
  Scalar fill;
};
template <class Pointer, class Scalar>
Padded<Pointer, Scalar> padded(Pointer data, Scalar fill) {
  return {data, fill};
}

/// An array whose pointer may be null: then it reads as `absent`, and writing it does nothing. The
/// formula stays the same, and with it the instructions and the bits.
template <class Array, class Scalar>
struct Optional {
  Array array;
  Scalar absent;
};
template <class Array, class Scalar>
Optional<Array, Scalar> optional(Array array, Scalar absent) {
  return {array, absent};
}

namespace detail {

template <class T>
const T* pointer_of(const T* array) {
  return array;
}
template <class T>
const T* pointer_of(const Written<T>& array) {
  return array.data;
}

template <class Vector, class T>
[[gnu::always_inline]] inline void read(Vector& value, T* array, Index at, Index count) {
  load_part(value, array + at, count);
}
template <class Vector, class T>
[[gnu::always_inline]] inline void read(Vector& /*value*/, const Written<T>& /*array*/,
                                        Index /*at*/, Index /*count*/) {}
template <class Vector, class Pointer, class Scalar>
[[gnu::always_inline]] inline void read(Vector& value, const Padded<Pointer, Scalar>& array,
                                        Index at, Index count) {
  load_part(value, array.data + at, count, array.fill);
}
template <class Vector, class Array, class Scalar>
[[gnu::always_inline]] inline void read(Vector& value, const Optional<Array, Scalar>& array,
                                        Index at, Index count) {
  value = Vector{} + array.absent;
  if (pointer_of(array.array)) read(value, array.array, at, count);
}

template <class Vector, class T>
[[gnu::always_inline]] inline void write(const Vector& /*value*/, const T* /*array*/, Index /*at*/,
                                         Index /*count*/) {}
template <class Vector, class T>
[[gnu::always_inline]] inline void write(const Vector& value, T* array, Index at, Index count) {
  store_part(value, array + at, count);
}
template <class Vector, class T>
[[gnu::always_inline]] inline void write(const Vector& value, const Written<T>& array, Index at,
                                         Index count) {
  store_part(value, array.data + at, count);
}
template <class Vector, class Pointer, class Scalar>
[[gnu::always_inline]] inline void write(const Vector& value, const Padded<Pointer, Scalar>& array,
                                         Index at, Index count) {
  write(value, array.data, at, count);
}
template <class Vector, class Array, class Scalar>
[[gnu::always_inline]] inline void write(const Vector& value, const Optional<Array, Scalar>& array,
                                         Index at, Index count) {
  if (pointer_of(array.array)) write(value, array.array, at, count);
}

/// The formula for elements [at, at + count), at most one vector of them.
template <class Vector, std::size_t... I, class Formula, class... Arrays>
[[gnu::always_inline]] inline void one_vector(Index at, Index count,
                                              std::index_sequence<I...> /*of arrays*/,
                                              const Formula& formula, const Arrays&... arrays) {
  Vector values[sizeof...(I)]{};
  (read(values[I], arrays, at, count), ...);
  formula(values[I]...);
  (write(values[I], arrays, at, count), ...);
}

}  // namespace detail

/// Within a kernel: calls formula(values...) for the elements [begin, end) of the arrays, one
/// vector of each at a time.
template <class Vector, class Formula, class... Arrays>
[[gnu::always_inline]] inline void each_vector(Index begin, Index end, const Formula& formula,
                                               const Arrays&... arrays) {
  constexpr std::index_sequence_for<Arrays...> indices;
  for (; begin + lanes<Vector> <= end; begin += lanes<Vector>) {
    detail::one_vector<Vector>(begin, lanes<Vector>, indices, formula, arrays...);
  }
  if (begin < end) detail::one_vector<Vector>(begin, end - begin, indices, formula, arrays...);
}

/// Within a kernel: the sum over the arrays, to which add(values..., sum) adds one vector of each.
/// Several vectors of sums run side by side, so that no addition waits for the one before, and a
/// float passes 1 / (2 lanes) of the additions that a sum in order has.
template <class Vector, class Add, class... Arrays>
[[gnu::always_inline]] inline ElementOf<Vector> sum_over(Index count, const Add& add,
                                                         const Arrays&... arrays) {
  constexpr Index chains = lanes<Vector> == 1 ? 8 : 2;
  constexpr Index together = chains * lanes<Vector>;
  constexpr std::index_sequence_for<Arrays...> indices;
  Vector sums[static_cast<std::size_t>(chains)]{};
  const Index whole = count / together * together;
  for (Index at = 0; at < whole; at += together) {
#pragma GCC unroll 8
    for (Index c = 0; c < chains; ++c) {
      const auto add_to_chain = [&](const auto&... values)
                                    __attribute__((always_inline)) { add(values..., sums[c]); };
      detail::one_vector<Vector>(at + c * lanes<Vector>, lanes<Vector>, indices, add_to_chain,
                                 arrays...);
    }
  }
  const auto add_to_first = [&](const auto&... values)
                                __attribute__((always_inline)) { add(values..., sums[0]); };
  each_vector<Vector>(whole, count, add_to_first, arrays...);
#pragma GCC unroll 8
  for (Index c = 1; c < chains; ++c) sums[0] += sums[c];
  return sum_of(sums[0]);
}

namespace detail {

struct Elementwise {
  template <class Vector, class Formula, class... Arrays>
  [[gnu::always_inline]] static void run(Index count, Formula formula, Arrays... arrays) {
    each_vector<Vector>(0, count, formula, arrays...);
  }
};

}  // namespace detail

/// Calls formula(values...) for all elements of the arrays, on vectors where Scalar has them.
template <class Scalar, class Formula, class... Arrays>
void elementwise(Index count, const Formula& formula, const Arrays&... arrays) {
  run_vectorized<detail::Elementwise, Scalar>(count, formula, arrays...);
}

}  // namespace tessera::kernels
