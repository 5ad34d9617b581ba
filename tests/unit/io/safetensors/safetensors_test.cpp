#include "tessera/io/safetensors.hpp"

#include <limits>
#include <random>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

template <class Scalar>
Tensor<Scalar, 3> random_values(std::mt19937& random) {
  Tensor<Scalar, 3> tensor({2, 3, 5});
  for (Scalar& value : tensor) {
    if constexpr (std::floating_point<Scalar>) {
      value = static_cast<Scalar>(random()) / 1e6F - 1000;
    } else {
      value = static_cast<Scalar>(std::same_as<Scalar, bool> ? random() & 1U : random());
    }
  }
  return tensor;
}

template <class Scalar, int Rank>
Tensor<Scalar, Rank> through_a_file(const Tensor<Scalar, Rank>& tensor, Dtype dtype) {
  const ScratchFolder folder;
  const auto path = folder / "a.safetensors";
  SafetensorsWriter writer;
  writer.add("a", tensor, dtype);
  writer.write(path);
  return open_tensors(path).read<Scalar, Rank>("a");
}

}  // namespace

TEMPLATE_TEST_CASE("every type comes back as it was", "", bool, std::uint8_t, std::int8_t,
                   std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, std::uint64_t,
                   std::int64_t, long long, float, double) {
  std::mt19937 random(3);
  const Dtype dtype = dtype_of<TestType>();
  const Tensor<TestType, 3> tensor = random_values<TestType>(random);
  CHECK(through_a_file(tensor, dtype) == tensor);
  const Tensor<TestType, 0> scalar({}, {std::numeric_limits<TestType>::max()});
  CHECK(through_a_file(scalar, dtype) == scalar);
  const Tensor<TestType, 2> empty({0, 4});
  CHECK(through_a_file(empty, dtype) == empty);
  const Tensor<TestType, 1> many({50'000}, std::numeric_limits<TestType>::lowest());
  CHECK(through_a_file(many, dtype) == many);
}

TEMPLATE_TEST_CASE("16-bit floats come back as they were", "", float, double) {
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    // Every finite 16-bit value, in more than one chunk.
    Tensor<TestType, 2> values({2, 32768});
    for (Index i = 0; i < values.size(); ++i) {
      const auto bits = static_cast<std::uint16_t>(i);
      const float value = dtype == Dtype::f16 ? float_from_half(bits) : float_from_bfloat16(bits);
      values.data()[i] = std::isnan(value) ? TestType(1) : static_cast<TestType>(value);
    }
    CHECK(through_a_file(values, dtype) == values);
  }
}

TEST_CASE("NaN and infinities pass") {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float, 1> values({3}, {infinity, -infinity, std::nanf("")});
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    const Tensor<float, 1> back = through_a_file(values, dtype);
    CHECK(back(0) == infinity);
    CHECK(back(1) == -infinity);
    CHECK(std::isnan(back(2)));
  }
}

TEST_CASE("names, metadata and many tensors come back") {
  const std::string odd = std::string("a\0b", 3) + "/名前\"\\\n\x7f";
  const Tensor<float, 1> one({1}, {1});
  const Tensor<float, 1> none({0});
  const Tensor<bool, 1> flag({3}, {true, false, true});
  SafetensorsWriter writer;
  writer.add(odd, one);
  writer.add("none.1", none);
  writer.add("none.2", none);
  writer.add("flag", flag);
  writer.add("", one, Dtype::f16);
  writer.add_metadata(odd, odd);
  const std::vector<std::byte> bytes = writer.bytes();
  const TensorSource reader = open_tensors(bytes);
  CHECK(reader.tensors().size() == 5);
  CHECK(reader.metadata() == TensorMetadata{{odd, odd}});
  CHECK(reader.read<float, 1>(odd) == one);
  CHECK(reader.read<float, 1>("") == one);
  CHECK(reader.read<float, 1>("none.2") == none);
  CHECK(reader.read<bool, 1>("flag") == flag);
  // Every tensor lies at a multiple of its value size in the file, so it can be used in place.
  const std::size_t data_begin = bytes.size() - 4 - 2 - 3;
  CHECK(data_begin % 8 == 0);
  for (const StoredTensor& entry : reader.tensors()) {
    CHECK((entry.bytes.data() - bytes.data() - static_cast<Index>(data_begin)) %
              dtype_size(entry.dtype) ==
          0);
  }
}

TEST_CASE("files of the safetensors package are written back byte for byte") {
  const std::vector<std::byte> original = read_file(golden / "format.safetensors", 1 << 20);
  const TensorSource reader = open_tensors(original);
  std::vector<std::vector<std::byte>> storage;
  SafetensorsWriter writer;
  const auto add = [&]<class Scalar>(const StoredTensor& entry, Scalar /*type*/) {
    const std::vector<std::byte>& bytes =
        storage.emplace_back(entry.bytes.begin(), entry.bytes.end());
    const std::span<const Scalar> values(reinterpret_cast<const Scalar*>(bytes.data()),
                                         bytes.size() / sizeof(Scalar));
    writer.add(entry.name, entry.shape, values, entry.dtype);
  };
  std::vector<Tensor<float, 2>> halves;
  std::vector<Tensor<float, 0>> half_scalars;
  halves.push_back(reader.read<float, 2>("z.f2"));
  half_scalars.push_back(reader.read<float, 0>("a.f2"));
  writer.add("z.f2", halves[0], Dtype::f16);
  writer.add("a.f2", half_scalars[0], Dtype::f16);
  for (const StoredTensor& entry : reader.tensors()) {
    switch (entry.dtype) {
      case Dtype::boolean:
        add(entry, bool{});
        break;
      case Dtype::u8:
        add(entry, std::uint8_t{});
        break;
      case Dtype::i8:
        add(entry, std::int8_t{});
        break;
      case Dtype::i16:
        add(entry, std::int16_t{});
        break;
      case Dtype::u16:
        add(entry, std::uint16_t{});
        break;
      case Dtype::i32:
        add(entry, std::int32_t{});
        break;
      case Dtype::u32:
        add(entry, std::uint32_t{});
        break;
      case Dtype::f32:
        add(entry, float{});
        break;
      case Dtype::f64:
        add(entry, double{});
        break;
      case Dtype::i64:
        add(entry, std::int64_t{});
        break;
      case Dtype::u64:
        add(entry, std::uint64_t{});
        break;
      default:
        break;
    }
  }
  for (const auto& [key, value] : reader.metadata()) writer.add_metadata(key, value);
  CHECK(writer.bytes() == original);
}

}  // namespace tessera::io::test
