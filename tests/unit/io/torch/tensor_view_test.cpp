#include "tessera/io/torch/tensor_view.hpp"

#include <array>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("a tensor is the part of a storage from its first element to its last") {
  PickleDocument document;
  document.values = {std::int64_t{2}, std::int64_t{3}, std::int64_t{4}, PickleTuple{{0, 0}},
                     PickleTuple{{1, 0}}};
  const std::array<std::byte, 32> storage{};
  const StoredTensor view =
      detail::view_storage(document, {0, 3, 4, Dtype::u16, 1}, storage, "w", "a.pth");
  CHECK(view.shape == std::vector<Index>{2, 2});
  CHECK(view.strides == std::vector<Index>{3, 2});
  CHECK(view.bytes.data() == storage.data() + 2);
  CHECK(view.bytes.size() == 12);  // elements 1 to 6
  CHECK(file_error([&] {
          detail::view_storage(document, {0, 3, 4, Dtype::f64, 0}, storage, "w", "a.pth");
        }) ==
        "a.pth: tensor 'w': shape [2, 2] with strides [3, 2] from element 0 on leaves its storage "
        "of 4 elements");
}

}  // namespace tessera::io::test
