#include "tessera/io/safetensors/header_handler.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

std::string error_of(const std::string& json) {
  return file_error([&] {
    detail::SafetensorsHeaderHandler handler;
    read_json(json, handler, SafetensorsLimits::text_bytes);
  });
}

}  // namespace

TEST_CASE("a header is taken apart into tensors and metadata") {
  detail::SafetensorsHeaderHandler handler;
  read_json(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]}})",
            handler, SafetensorsLimits::text_bytes);
  const SafetensorsHeader header = std::move(handler).take();
  CHECK(header.metadata == TensorMetadata{{"k", "v"}});
  REQUIRE(header.entries.size() == 1);
  CHECK(header.entries[0].name == "a");
  CHECK(header.entries[0].dtype == Dtype::f16);
  CHECK(header.entries[0].shape == std::vector<Index>{2, 3});
  CHECK(header.entries[0].begin == 4);
  CHECK(header.entries[0].end == 16);
}

TEST_CASE("more tensors or metadata than the limit are refused as they appear") {
  std::string tensors = "{";
  for (std::size_t i = 0; i <= SafetensorsLimits::tensors; ++i) {
    tensors +=
        concat(i > 0 ? "," : "", "\"", i, R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  }
  CHECK(error_of(tensors) == "header has more than 50000 tensors");
  std::string metadata = R"({"__metadata__":{)";
  for (std::size_t i = 0; i <= SafetensorsLimits::metadata; ++i) {
    metadata += concat(i > 0 ? "," : "", "\"", i, "\":\"\"");
  }
  CHECK(error_of(metadata) == "metadata: more than 10000 keys");
  CHECK(error_of(R"({"__metadata__":{},"__metadata__":{}})") == "key '__metadata__' occurs twice");
}

TEST_CASE("metadata after as many tensors as the limit is metadata") {
  std::string header = "{";
  for (std::size_t i = 0; i < SafetensorsLimits::tensors; ++i) {
    header += concat("\"", i, R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)");
  }
  CHECK(error_of(header + R"("__metadata__":{"k":"v"}})") == "(no exception)");
  CHECK(error_of(header + R"("one more":{}})") == "header has more than 50000 tensors");
}

}  // namespace tessera::io::test
