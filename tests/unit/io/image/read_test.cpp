#include "tessera/io/image/read.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

TEST_CASE("images are read by what they are, not by what they are called") {
  const TensorSource expected = open_tensors(golden / "image_decode.safetensors");
  const ScratchFolder folder;
  for (const std::string name : {"rgba_8.png", "progressive.jpg"}) {
    const Image pixels = expected.read<std::uint8_t, 3>(name);
    CHECK((read_image(golden / "images" / name) == pixels));
    const auto renamed = folder / "picture.txt";
    write_file(renamed, read_file(golden / "images" / name, 1 << 20));
    CHECK((read_image(renamed) == pixels));
    CHECK((decode_image(read_file(renamed, 1 << 20)) == pixels));
  }
}

TEST_CASE("errors name the file and the reason") {
  const ScratchFolder folder;
  const auto path = folder / "a.png";
  CHECK(file_error([&] { read_image(path); }) ==
        path.string() + ": cannot be opened: No such file or directory");
  write_file(path, bytes_of("GIF89a"));
  CHECK(file_error([&] { read_image(path); }) == path.string() + ": is neither a PNG nor a JPEG");
  write_file(path, {});
  CHECK(file_error([&] { read_image(path); }) == path.string() + ": is neither a PNG nor a JPEG");
  auto bytes = read_file(golden / "images/rgb_8.png", 1 << 20);
  bytes.resize(bytes.size() - 20);
  write_file(path, bytes);
  CHECK(file_error([&] { read_image(path); }) == path.string() + ": broken PNG: file ends early");
  CHECK(file_error([&] { read_image(golden / "images/gray.jpg", 100); }) ==
        (golden / "images/gray.jpg").string() + ": 13 x 19 pixels are more than the limit of 100");
  CHECK(file_error([&] { decode_image(bytes, "label"); }) == "label: broken PNG: file ends early");
}

TEST_CASE("a file above 1 GiB is not read") {
  const ScratchFolder folder;
  const auto path = folder / "a.png";
  write_file(path, read_file(golden / "images/rgb_8.png", 1 << 20));
  std::filesystem::resize_file(path, (std::uintmax_t{1} << 30) + 1);  // sparse
  CHECK(file_error([&] { read_image(path); }) ==
        path.string() + ": has 1073741825 bytes; the limit is 1073741824");
}

TEST_CASE("the bundled photographs decode") {
  for (const char* name : {"astronaut.jpg", "chelsea.jpg", "coffee.jpg"}) {
    const Image photo = read_image(std::filesystem::path(TESSERA_PHOTO_DIR) / name);
    CHECK(std::max(photo.dim(0), photo.dim(1)) == 384);
    const Tensor<float, 3> tensor =
        to_tensor<float>(center_crop(resize_shorter_side(photo, 64, Filter::bicubic), {64, 64}));
    // A photograph, not a constant: the values spread by about one standard deviation.
    const double mean = static_cast<double>(tensor.array().mean());
    const double spread =
        std::sqrt(static_cast<double>((tensor.array() - static_cast<float>(mean)).square().mean()));
    CHECK(spread > 0.4);
    CHECK(std::abs(mean) < 1.5);
  }
}

}  // namespace tessera::io::test
