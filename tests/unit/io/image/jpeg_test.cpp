#include "tessera/io/image/jpeg.hpp"

#include <algorithm>
#include <map>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pictures.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

std::map<std::string, std::vector<std::byte>> jpeg_files() {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden / "images")) {
    if (entry.path().extension() == ".jpg") {
      files[entry.path().filename().string()] = read_file(entry.path(), 1 << 20);
    }
  }
  return files;
}

/// Where the frame header (baseline or progressive) begins.
std::size_t frame_of(const std::vector<std::byte>& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xFF} &&
        (bytes[i + 1] == std::byte{0xC0} || bytes[i + 1] == std::byte{0xC2})) {
      return i;
    }
  }
  FAIL("no frame header");
  return 0;
}

std::vector<std::byte> with_size(std::vector<std::byte> bytes, unsigned width, unsigned height) {
  const std::size_t frame = frame_of(bytes);
  bytes[frame + 5] = static_cast<std::byte>(height >> 8);
  bytes[frame + 6] = static_cast<std::byte>(height & 0xFF);
  bytes[frame + 7] = static_cast<std::byte>(width >> 8);
  bytes[frame + 8] = static_cast<std::byte>(width & 0xFF);
  return bytes;
}

}  // namespace

TEST_CASE("JPEGs of every kind decode to Pillow's pixels") {
  const TensorSource expected = open_tensors(golden / "image_decode.safetensors");
  auto files = jpeg_files();
  CHECK(files.size() == 8);
  files.erase("cmyk.jpg");
  for (const auto& [name, bytes] : files) {
    CAPTURE(name);
    CHECK(is_jpeg(bytes));
    CHECK((decode_jpeg(bytes) == expected.read<std::uint8_t, 3>(name)));
  }
}

TEST_CASE("CMYK and YCCK become Pillow's RGB") {
  int compared = 0;
  for (const PillowPicture& picture : pillow_pictures(".jpg")) {
    if (picture.name.find("cmyk") == std::string::npos && picture.name != "ycck.jpg") continue;
    CAPTURE(picture.name);
    CHECK(sum_of(decode_jpeg(picture_file(picture.name))) == picture.as_stored);
    ++compared;
  }
  CHECK(compared == 3);
  CHECK(size_of(decode_jpeg(read_file(golden / "images/cmyk.jpg", 1 << 20))) == Size{9, 9});
}

TEST_CASE("a JPEG is turned by EXIF where that is asked for") {
  int compared = 0;
  for (const PillowPicture& picture : pillow_pictures(".jpg")) {
    if (!picture.name.starts_with("exif")) continue;
    CAPTURE(picture.name);
    const auto bytes = picture_file(picture.name);
    CHECK(sum_of(decode_jpeg(bytes)) == picture.as_stored);
    CHECK(sum_of(decode_jpeg(bytes, "x", {.orientation = Orientation::upright})) ==
          picture.upright);
    ++compared;
  }
  CHECK(compared == 8);
}

TEST_CASE("a JPEG whose scan ends early or is damaged is read as Pillow does, with a warning") {
  int compared = 0;
  for (const PillowPicture& picture : pillow_pictures(".jpg")) {
    if (!picture.name.starts_with("premature") && !picture.name.starts_with("damaged")) continue;
    CAPTURE(picture.name);
    const auto bytes = picture_file(picture.name);
    std::vector<std::string> warnings;
    const ReadOptions as_pillow{.strictness = Strictness::as_pillow};
    CHECK(sum_of(decode_jpeg(bytes, "x", as_pillow, &warnings)) == picture.as_stored);
    CHECK(sum_of(decode_jpeg(bytes, "x", as_pillow)) == picture.as_stored);
    // libjpeg does not notice every damage.
    const std::string strict = file_error([&] { decode_jpeg(bytes, "x"); });
    CHECK(warnings.size() == (strict == "(no exception)" ? 0 : 1));
    if (picture.name.starts_with("premature")) {
      REQUIRE(warnings.size() == 1);
      CHECK(warnings[0] ==
            "broken JPEG, read all the same: Corrupt JPEG data: premature end of data segment");
      CHECK(strict == "x: broken JPEG: Corrupt JPEG data: premature end of data segment");
    }
    ++compared;
  }
  CHECK(compared == 4);
}

TEST_CASE("a JPEG without its end is refused, as Pillow refuses it") {
  for (const char* name : {"exif1.jpg", "premature_progressive.jpg", "cmyk.jpg"}) {
    const auto bytes = picture_file(name);
    CHECK(file_error([&] {
            decode_jpeg(std::span(bytes).first(bytes.size() - 2), "x",
                        {.strictness = Strictness::as_pillow});
          }) == "x: broken JPEG: Premature end of JPEG file");
  }
}

TEST_CASE("a JPEG cut off at any byte is refused with its name") {
  auto files = jpeg_files();
  files.erase("cmyk.jpg");
  for (const auto& file : files) {
    const auto& name = file.first;
    const auto& bytes = file.second;
    CAPTURE(name);
    int wrong = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto part = std::span(bytes).first(size);
      const std::string message = file_error([&] { decode_jpeg(part, name); });
      const bool named =
          message.starts_with(name + (size < 3 ? ": is not a JPEG" : ": broken JPEG"));
      wrong += named ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("damaged JPEGs are refused or decoded, never worse") {
  int refused = 0;
  for (const auto& [name, bytes] : jpeg_files()) {
    for (std::size_t position = 3; position < bytes.size(); ++position) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::vector<std::byte> damaged = bytes;
        damaged[position] ^= static_cast<std::byte>(flip);
        const std::string message =
            file_error([&] { decode_jpeg(damaged, "memory", {.max_pixels = 1 << 20}); });
        if (message == "(no exception)") continue;
        REQUIRE(message.starts_with("memory: "));
        ++refused;
      }
    }
  }
  CHECK(refused > 500);
}

TEST_CASE("JPEG errors tell the reason") {
  const auto good = read_file(golden / "images/colour_444.jpg", 1 << 20);
  CHECK(file_error([&] { decode_jpeg(bytes_of("\x89PNG\r\n\x1a\n"), "x.png"); }) ==
        "x.png: is not a JPEG");
  CHECK(file_error([&] { decode_jpeg(std::span(good).first(good.size() - 2), "x.jpg"); }) ==
        "x.jpg: broken JPEG: Premature end of JPEG file");
  CHECK(file_error([&] { decode_jpeg(with_size(good, 0, 5), "x.jpg"); }) ==
        "x.jpg: broken JPEG: Empty JPEG image (DNL not supported)");
}

TEST_CASE("large JPEG sizes are refused before memory is taken") {
  const auto bytes =
      with_size(read_file(golden / "images/progressive.jpg", 1 << 20), 65'500, 65'500);
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { decode_jpeg(bytes, "x.jpg"); }); });
  CHECK(message == "x.jpg: 65500 x 65500 pixels are more than the limit of 178956970");
  CHECK(allocated < 32'768);  // libjpeg's own, for the header
  const auto small = read_file(golden / "images/gray.jpg", 1 << 20);
  CHECK(file_error([&] { decode_jpeg(small, "x.jpg", {.max_pixels = 246}); }) ==
        "x.jpg: 13 x 19 pixels are more than the limit of 246");
  CHECK(size_of(decode_jpeg(small, "x.jpg", {.max_pixels = 247})) == Size{13, 19});
}

TEST_CASE("a progressive JPEG with endless scans is refused") {
  // The first scan, up to the next marker that is no part of its data, many times over.
  const auto bytes = read_file(golden / "images/progressive.jpg", 1 << 20);
  const auto marker = [&](std::size_t from, auto is_wanted) {
    std::size_t i = from;
    while (bytes[i] != std::byte{0xFF} || !is_wanted(bytes[i + 1])) ++i;
    return bytes.begin() + static_cast<std::ptrdiff_t>(i);
  };
  const auto first = marker(0, [](std::byte code) { return code == std::byte{0xDA}; });
  const auto next = marker(static_cast<std::size_t>(first - bytes.begin()) + 2,
                           [](std::byte code) { return code != std::byte{0}; });
  const auto repeated = [&](int times) {
    std::vector<std::byte> longer(bytes.begin(), first);
    for (int i = 0; i < times; ++i) longer.insert(longer.end(), first, next);
    longer.insert(longer.end(), next, bytes.end());
    return longer;
  };
  CHECK((decode_jpeg(repeated(1)) == decode_jpeg(repeated(400))));
  const std::vector<std::byte> endless = repeated(600);
  CHECK(file_error([&] { decode_jpeg(endless, "x.jpg"); }) ==
        "x.jpg: broken JPEG: more than 500 scans");
}

TEST_CASE("a JPEG too short for its size is refused before memory is taken") {
  for (const char* name : {"images/progressive.jpg", "images/colour_444.jpg"}) {
    const auto bytes = with_size(read_file(golden / name, 1 << 20), 9000, 9000);
    std::string message;
    const std::size_t growth = tessera::test::heap_growth_of(
        [&] { message = file_error([&] { decode_jpeg(bytes, "x.jpg"); }); });
    CHECK(message ==
          concat("x.jpg: broken JPEG: ", bytes.size(), " bytes cannot hold 9000 x 9000 pixels"));
    CHECK(growth < 65'536);
  }
}

TEST_CASE("coefficients of a progressive JPEG count") {
  // Coefficients of 512 x 512 x 3 take 1.5 MB beside pixels of 0.8 MB. The margin lets small ones
  // pass; more of them need as large a limit of pixels.
  const auto bytes = picture_file("premature_progressive.jpg");
  auto padded = with_size(bytes, 3400, 3400);
  padded.resize(100'000);
  const std::string message =
      file_error([&] { decode_jpeg(padded, "x", {.max_pixels = 3400 * 3400}); });
  CHECK(message.starts_with("x: broken JPEG: "));  // within the limit: decoded, and found broken
  std::string bounded;
  const std::size_t growth = tessera::test::heap_growth_of([&] {
    bounded = file_error([&] {
      decode_jpeg(padded, "x", {.max_pixels = 3400 * 3400, .strictness = Strictness::as_pillow});
    });
  });
  CHECK(growth < 3 * std::size_t{3400 * 3400 * 3} + (std::size_t{16} << 20));
}

}  // namespace tessera::io::test
