#include "tessera/io/image/resize.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

TEST_CASE("resize gives the bits of Pillow") {
  const TensorSource expected = open_tensors(golden / "image_resize.safetensors");
  int compared = 0;
  int compared_columns_first = 0;
  for (const StoredTensor& entry : expected.tensors()) {
    const std::string& name = entry.name;  // source.filter.HxW or source.filter.HxW.columns_first
    const std::size_t first_dot = name.find('.');
    const std::string source = name.substr(0, first_dot);
    const std::string kind =
        name.substr(first_dot + 1, name.find('.', first_dot + 1) - first_dot - 1);
    if (kind == "source") continue;
    CAPTURE(name);
    const Filter filter = kind == "box"        ? Filter::box
                          : kind == "bilinear" ? Filter::bilinear
                                               : Filter::bicubic;
    const bool columns_first = name.ends_with(".columns_first");
    const Image image = expected.read<std::uint8_t, 3>(source + ".source");
    const Size size{entry.shape[0], entry.shape[1]};
    const Image before_13 = resize(image, size, filter, PassOrder::columns_first);
    const Image since_13 = resize(image, size, filter);
    CHECK(((columns_first ? before_13 : since_13) == expected.read<std::uint8_t, 3>(name)));
    // Those of the older order are stored where it makes a difference.
    const bool differs = expected.contains(name + ".columns_first") || columns_first;
    CHECK(differs == !(before_13 == since_13));
    ++(columns_first ? compared_columns_first : compared);
  }
  CHECK(compared == 66);  // 22 pairs of sizes with each filter
  CHECK(compared_columns_first == 10);
}

TEST_CASE("constant images stay constant and a size of its own changes nothing") {
  const Image image({5, 7, 3}, 93);
  for (const Filter filter : {Filter::box, Filter::bilinear, Filter::bicubic}) {
    CHECK((resize(image, {11, 3}, filter) == Image({11, 3, 3}, 93)));
    CHECK((resize(image, {5, 7}, filter) == image));
  }
}

TEST_CASE("resize_shorter_side keeps the proportion, rounded down") {
  CHECK(size_of(resize_shorter_side(Image({300, 451, 3}), 64, Filter::bilinear)) == Size{64, 96});
  CHECK(size_of(resize_shorter_side(Image({451, 300, 3}), 64, Filter::bilinear)) == Size{96, 64});
  CHECK(size_of(resize_shorter_side(Image({9, 9, 3}), 4, Filter::bilinear)) == Size{4, 4});
}

TEST_CASE("resize refuses empty images and sizes") {
  const Image image({5, 7, 3});
  CHECK(argument_error([&] { resize(image, {0, 3}, Filter::box); }) ==
        "resize: size 0 x 3 is not positive");
  CHECK(argument_error([&] { resize(image, {3, -1}, Filter::box); }) ==
        "resize: size 3 x -1 is not positive");
  CHECK(argument_error([] { resize(Image(), {3, 3}, Filter::box); }) ==
        "resize: image has shape [0, 0, 0], but [height, width, 3] is needed, not empty");
  CHECK(argument_error([&] { resize_shorter_side(image, 0, Filter::box); }) ==
        "resize_shorter_side: length 0 is not positive");
}

TEST_CASE("resize_part gives the bits of the whole") {
  Image image = Image::empty({23, 37, 3});
  std::uint32_t state = 7;
  for (std::uint8_t& value : image) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  int compared = 0;
  for (const Filter filter :
       {Filter::box, Filter::bilinear, Filter::hamming, Filter::bicubic, Filter::lanczos}) {
    for (const PassOrder order : {PassOrder::pillow_13, PassOrder::columns_first}) {
      for (const Size& size : {Size{23, 37}, Size{23, 16}, Size{11, 37}, Size{8, 30}, Size{50, 61},
                               Size{5, 70}, Size{60, 9}}) {
        const Image whole = resize(image, size, filter, order);
        for (const ImageBox& box :
             {ImageBox{0, 0, 1, 1}, ImageBox{size.height - 1, size.width - 1, 1, 1},
              ImageBox{1, 2, 3, 4}, ImageBox{2, 0, size.height - 3, size.width}}) {
          CHECK((resize_part(image, size, box, filter, order) == crop(whole, box)));
          ++compared;
        }
      }
    }
  }
  CHECK(compared == 280);
}

TEST_CASE("resizing to more than the limit is refused with both sizes") {
  const Image strip({2, 6000, 3});
  CHECK(argument_error([&] { resize_shorter_side(strip, 3000, Filter::box); }) ==
        "resize: image of 2 x 6000 pixels would become 3000 x 9000000, more than the limit of "
        "178956970 pixels");
  CHECK(argument_error([&] {
          resize_part(strip, {30000, 90'000'000}, {0, 0, 1, 1}, Filter::box);
        }).starts_with("resize_part: image of 2 x 6000 pixels would become "));
  CHECK(argument_error([&] { resize_part(strip, {4, 4}, {1, 1, 4, 1}, Filter::box); }) ==
        "resize_part: box of 4 x 1 at row 1, column 1 does not lie in 4 x 4");
}

}  // namespace tessera::io::test
