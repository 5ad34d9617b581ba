#include "tessera/io/image/read.hpp"

#include <map>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pictures.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"
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
  write_file(path, {});
  CHECK(file_error([&] { read_image(path); }) == path.string() + ": is empty");
  auto bytes = read_file(golden / "images/rgb_8.png", 1 << 20);
  bytes.resize(bytes.size() - 20);
  write_file(path, bytes);
  CHECK(file_error([&] { read_image(path); }) == path.string() + ": broken PNG: file ends early");
  CHECK(file_error([&] { read_image(golden / "images/gray.jpg", {.max_pixels = 100}); }) ==
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

TEST_CASE("formats that are not read are refused by their names") {
#ifdef TESSERA_HAS_WEBP
  const std::string read = "; PNG, JPEG and WebP are read";
#else
  const std::string read = "; PNG and JPEG are read";
#endif
  const auto error = [](std::string_view bytes) {
    return file_error([&] { decode_image(bytes_of(bytes), "x"); });
  };
  CHECK(error("GIF89a") == "x: is a GIF" + read);
  CHECK(error("what is this?") == "x: is no picture of a known format" + read);
  CHECK(error("\xFF") == "x: is no picture of a known format" + read);
  CHECK(error("version https://git-lfs.github.com/spec/v1\noid sha256:00") ==
        "x: is a Git LFS pointer, not the picture itself; git lfs pull brings it" + read);
  for (const auto& [name, format] :
       std::map<std::string, std::string>{{"other.gif", "a GIF"},
                                          {"other.bmp", "a BMP"},
                                          {"other.tiff", "a TIFF"},
                                          {"other.jpeg2000", "a JPEG 2000"},
                                          {"other.ico", "an icon (ICO)"},
                                          {"other.ppm", "a PPM"},
                                          {"other.avif", "an AVIF"},
                                          {"other.pdf", "a PDF"}}) {
    CHECK(file_error([&] { decode_image(picture_file(name), "x"); }) ==
          concat("x: is ", format, read));
  }
}

TEST_CASE("WebP is read where libwebp is, as Pillow does") {
  const auto pictures = pillow_pictures(".webp");
  CHECK(pictures.size() == 4);
#ifdef TESSERA_HAS_WEBP
  for (const PillowPicture& picture : pictures) {
    CAPTURE(picture.name);
    const auto bytes = picture_file(picture.name);
    CHECK(sum_of(decode_image(bytes)) == picture.as_stored);
    CHECK(sum_of(decode_image(bytes, "x", {.orientation = Orientation::upright})) ==
          picture.upright);
    CHECK(file_error([&] {
            decode_image(bytes, "x", {.max_pixels = 100});
          }).ends_with(" pixels are more than the limit of 100"));
    int wrong = 0;
    for (std::size_t size = 12; size + 1 < bytes.size(); ++size) {
      const std::string message =
          file_error([&] { decode_image(std::span(bytes).first(size), "x"); });
      if (message != "x: broken WebP") ++wrong;
    }
    CHECK(wrong == 0);
  }
  CHECK(file_error([] { decode_image(picture_file("animated.webp"), "x"); }) ==
        "x: is an animated WebP; only still ones are read");
#else
  CHECK(file_error([] { decode_image(picture_file("lossy.webp"), "x"); }) ==
        "x: is a WebP, which is read where Tessera is built with libwebp; PNG and JPEG are read");
#endif
}

TEST_CASE("a good picture takes little more memory than its pixels") {
  for (const char* name : {"astronaut.jpg", "chelsea.jpg", "coffee.jpg"}) {
    Image photo;
    const std::size_t growth = tessera::test::heap_growth_of(
        [&] { photo = read_image(std::filesystem::path(TESSERA_PHOTO_DIR) / name); });
    CHECK(growth < 3 * static_cast<std::size_t>(photo.size()) + (std::size_t{16} << 20));
  }
}

}  // namespace tessera::io::test
