#include "tessera/io/preprocessing/hugging_face_classes.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("classes of transformers: each has a size, and one to cut if it cuts") {
  for (const detail::ImageProcessorClass& processor : detail::image_processor_classes) {
    CAPTURE(processor.name);
    CHECK((processor.size.exact.height > 0) != (processor.size.shortest_edge > 0));
    CHECK((!processor.center_crop || processor.crop_size.width > 0));
    CHECK(processor.name.ends_with("ImageProcessor"));
  }
  for (const detail::ModelTypeProcessor& model : detail::model_type_processors) {
    CHECK(std::ranges::count(detail::image_processor_classes, model.name,
                             &detail::ImageProcessorClass::name) == 1);
  }
}

}  // namespace tessera::io::test
