#include "tessera/io/image/png.hpp"

#include <zlib.h>

#include <map>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pictures.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

std::map<std::string, std::vector<std::byte>> png_files() {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden / "images")) {
    if (entry.path().extension() == ".png") {
      files[entry.path().filename().string()] = read_file(entry.path(), 1 << 20);
    }
  }
  return files;
}

/// The file with other dimensions in its header, checksum included.
std::vector<std::byte> with_size(std::vector<std::byte> png, std::uint32_t width,
                                 std::uint32_t height) {
  const auto put = [&](std::size_t offset, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) {
      png[offset + i] = static_cast<std::byte>(value >> (24 - 8 * i));
    }
  };
  put(16, width);
  put(20, height);
  put(29, static_cast<std::uint32_t>(
              ::crc32(0, reinterpret_cast<const unsigned char*>(png.data()) + 12, 17)));
  return png;
}

}  // namespace

TEST_CASE("PNGs of every kind decode to Pillow's pixels") {
  const TensorSource expected = open_tensors(golden / "image_decode.safetensors");
  const auto files = png_files();
  CHECK(files.size() == 25);
  for (const auto& [name, bytes] : files) {
    CAPTURE(name);
    CHECK(is_png(bytes));
    CHECK((decode_png(bytes) == expected.read<std::uint8_t, 3>(name)));
  }
}

TEST_CASE("a PNG cut off at any byte is refused with its name") {
  for (const auto& file : png_files()) {
    const auto& name = file.first;
    const auto& bytes = file.second;
    CAPTURE(name);
    int wrong = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto part = std::span(bytes).first(size);
      const std::string message = file_error([&] { decode_png(part, name); });
      const bool named = message.starts_with(name + (size < 8 ? ": is not a PNG" : ": broken PNG"));
      wrong += named ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("damaged PNGs are refused or decoded, never worse") {
  int refused = 0;
  for (const auto& [name, bytes] : png_files()) {
    for (std::size_t position = 8; position < bytes.size(); ++position) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::vector<std::byte> damaged = bytes;
        damaged[position] ^= static_cast<std::byte>(flip);
        const std::string message = file_error([&] { decode_png(damaged); });
        if (message == "(no exception)") continue;
        REQUIRE(message.starts_with("memory: "));
        ++refused;
      }
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("PNG errors tell the reason") {
  const std::vector<std::byte> good = read_file(golden / "images/rgb_8.png", 1 << 20);
  CHECK(file_error([&] { decode_png(bytes_of("GIF89a...."), "x.gif"); }) == "x.gif: is not a PNG");
  CHECK(file_error([&] { decode_png(std::span(good).first(40), "x.png"); }) ==
        "x.png: broken PNG: file ends early");
  std::vector<std::byte> bad_checksum = good;
  bad_checksum[17] ^= std::byte{1};
  CHECK(file_error([&] { decode_png(bad_checksum, "x.png"); }) ==
        "x.png: broken PNG: IHDR: CRC error");
}

TEST_CASE("large PNG sizes are refused before memory is taken") {
  const std::vector<std::byte> good = read_file(golden / "images/gray_1.png", 1 << 20);
  const auto error = [&](std::uint32_t width, std::uint32_t height) {
    std::string message;
    const auto bytes = with_size(good, width, height);
    const std::size_t allocated =
        tessera::test::heap_bytes_of([&] { message = file_error([&] { decode_png(bytes); }); });
    CHECK(allocated < 4096);
    return message;
  };
  CHECK(error(20'000, 10'000) ==
        "memory: 10000 x 20000 pixels are more than the limit of 178956970");
  CHECK(error(1'000'000, 1'000'000) ==
        "memory: 1000000 x 1000000 pixels are more than the limit of 178956970");
  CHECK(error(0x7FFFFFFF, 0x7FFFFFFF).starts_with("memory: broken PNG: "));
  CHECK(error(0, 5).starts_with("memory: broken PNG: "));
  CHECK(error(10'000, 10'000) == "memory: broken PNG: 86 bytes cannot hold 10000 x 10000 pixels");
  CHECK(file_error([&] { decode_png(good, "x.png", {.max_pixels = 62}); }) ==
        "x.png: 7 x 9 pixels are more than the limit of 62");
  CHECK(size_of(decode_png(good, "x.png", {.max_pixels = 63})) == Size{7, 9});
}

TEST_CASE("encode_png round trips") {
  for (const Size& size : {Size{1, 1}, Size{7, 5}, Size{40, 300}}) {
    Image image({size.height, size.width, 3});
    std::uint32_t state = 1;
    for (std::uint8_t& value : image) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<std::uint8_t>(state >> 24);
    }
    CHECK((decode_png(encode_png(image)) == image));
    CHECK(encode_png(image) == encode_png(image));
  }
}

TEST_CASE("images that PNG cannot hold are refused") {
  CHECK(argument_error([] { encode_png(Image()); }) ==
        "encode_png: image has shape [0, 0, 0], but [height, width, 3] is needed, not empty");
  CHECK(argument_error([] { encode_png(Image({1, 1'000'001, 3})); }) ==
        "encode_png: image [1, 1000001, 3]: image is too large");
}

TEST_CASE("write_png replaces the file or leaves it") {
  const ScratchFolder folder;
  const auto path = folder / "a.png";
  const Image image({4, 6, 3}, 77);
  write_png(path, image);
  CHECK((decode_png(read_file(path, 1 << 20)) == image));
  CHECK(argument_error([&] { write_png(path, Image()); }).starts_with("encode_png: "));
  CHECK((decode_png(read_file(path, 1 << 20)) == image));
  write_png(path, Image({2, 2, 3}, 1));
  CHECK((decode_png(read_file(path, 1 << 20)) == Image({2, 2, 3}, 1)));
  CHECK(folder.names() == std::set<std::string>{"a.png"});
  CHECK(file_error([&] { write_png(folder / "missing/a.png", image); }) ==
        (folder / "missing/a.png").string() + ": cannot be written: No such file or directory");
}

TEST_CASE("a PNG with a wrong sum of pixels or without its end is read as Pillow does") {
  int compared = 0;
  for (const PillowPicture& picture : pillow_pictures(".png")) {
    if (picture.name.starts_with("exif")) continue;
    CAPTURE(picture.name);
    const auto bytes = picture_file(picture.name);
    std::vector<std::string> warnings;
    CHECK(sum_of(decode_png(bytes, "x", {.strictness = Strictness::as_pillow}, &warnings)) ==
          picture.as_stored);
    const std::string strict = file_error([&] { decode_png(bytes, "x"); });
    if (picture.name == "after_iend.png") {  // nobody reads so far
      CHECK(strict == "(no exception)");
      CHECK(warnings.empty());
    } else {
      CHECK(strict.starts_with("x: broken PNG: "));
      REQUIRE(warnings.size() == 1);
      CHECK(warnings[0].starts_with("broken PNG, read all the same: "));
    }
    ++compared;
  }
  CHECK(compared == 5);
}

TEST_CASE("a PNG that lacks pixels is refused also as Pillow does") {
  const auto bytes = picture_file("noiend.png");
  for (std::size_t cut = 20; cut < bytes.size() - 8; cut += 97) {
    CHECK(file_error([&] {
            decode_png(std::span(bytes).first(bytes.size() - cut), "x",
                       {.strictness = Strictness::as_pillow});
          }).starts_with("x: broken PNG: "));
  }
}

TEST_CASE("a PNG is turned by eXIf where that is asked for") {
  const auto pictures = pillow_pictures("exif6.png");
  REQUIRE(pictures.size() == 1);
  const auto bytes = picture_file("exif6.png");
  CHECK(sum_of(decode_png(bytes)) == pictures[0].as_stored);
  CHECK(sum_of(decode_png(bytes, "x", {.orientation = Orientation::upright})) ==
        pictures[0].upright);
}

TEST_CASE("chunks beside the pixels are not decompressed") {
  for (const char* name : {"large_ztxt.png", "large_itxt.png", "large_iccp.png"}) {
    CAPTURE(name);
    const auto bytes = picture_file(name);  // 20 MB of zeros in 20 kB
    Image image;
    CHECK(tessera::test::heap_growth_of([&] { image = decode_png(bytes); }) < 100'000);
    CHECK(size_of(image) == Size{10, 16});
  }
}

TEST_CASE("gray of 16 bits: the upper byte, or the upper 8 bits of those in use") {
  for (const auto& [name, bits] :
       {std::pair{"gray_12_in_16.png", 12}, std::pair{"gray_alpha_10_in_16.png", 10}}) {
    const auto bytes = picture_file(name);
    std::vector<std::string> warnings;
    const Image upper = decode_png(bytes, "x", {}, &warnings);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0] == concat("gray of 16 bits uses the lower ", bits,
                                " alone, so its upper byte is (nearly) black; "
                                "DeepGray::used_bits reads it brighter"));
    warnings.clear();
    const Image used = decode_png(bytes, "x", {.deep_gray = DeepGray::used_bits}, &warnings);
    CHECK(warnings.empty());
    const int shift = bits - 8;
    int brightest = 0;
    bool equal = true;
    for (Index i = 0; i < used.size(); ++i) {
      brightest = std::max<int>(brightest, used.data()[i]);
      equal = equal && used.data()[i] >> (8 - shift) == upper.data()[i];
    }
    CHECK(equal);
    CHECK(brightest >= 128);
  }
  // All 16 bits in use: no difference, no warning.
  const auto bytes = read_file(golden / "images/gray_16.png", 1 << 20);
  std::vector<std::string> warnings;
  CHECK((decode_png(bytes, "x", {.deep_gray = DeepGray::used_bits}, &warnings) ==
         decode_png(bytes, "x", {}, &warnings)));
  CHECK(warnings.empty());
}

}  // namespace tessera::io::test
