// Files in which a small model lies beside everything else that training leaves: the model is read
// without an option, and what is left out is listed. tests/reference/torch_beside.py writes them.

#include <map>
#include <string>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

TensorSource open(const std::string& name, bool unknown_objects_as_data = false) {
  TensorOptions options;
  options.torch.pickle.unknown_objects_as_data = unknown_objects_as_data;
  return open_tensors(golden / "torch" / name, options);
}

/// The tensors of the model are there, with their values, and no buffer that is not saved.
void check_model(const TensorSource& source, const std::string& prefix) {
  INFO(source.label());
  CHECK(source.read<float, 2>(prefix + "proj.weight") ==
        Tensor<float, 2>({3, 2}, {0, 1, 2, 3, 4, 5}));
  CHECK(source.read<float, 1>(prefix + "proj.bias") == Tensor<float, 1>({3}, {1, 2, 3}));
  CHECK(source.read<float, 1>(prefix + "norm.weight") == Tensor<float, 1>({3}, {2, 3, 4}));
  CHECK(source.read<float, 1>(prefix + "norm.running_var") == Tensor<float, 1>({3}, {1, 1, 1}));
  CHECK(source.read<std::int64_t, 0>(prefix + "norm.num_batches_tracked").item() == 0);
  CHECK_FALSE(source.contains(prefix + "cache"));
}

std::map<std::string, std::string> skipped(const TensorSource& source) {
  std::map<std::string, std::string> reasons;
  for (const SkippedValue& value : source.skipped()) reasons[value.name] = value.reason;
  return reasons;
}

}  // namespace

TEST_CASE("a model is read whatever torch.load with weights_only would read beside it") {
  const TensorSource source = open("beside_plain.pt");
  check_model(source, "model.");
  CHECK(source.tensors().size() == 8);
  CHECK(source.contains("generator"));
  const TensorMetadata& metadata = source.metadata();
  CHECK(metadata.at("counter.60") == "2");
  CHECK(metadata.at("set") == "[4]");
  CHECK(metadata.at("size") == "[2, 3]");
  CHECK(metadata.at("dtype") == "torch.float16");
  CHECK(metadata.at("scheme") == "torch.per_tensor_affine");
  CHECK(skipped(source) ==
        std::map<std::string, std::string>{
            {"bytearray", "made by '__builtin__.bytearray'"},
            {"bytes", "made by '_codecs.encode'"},
            {"complex", "made by '__builtin__.complex'"},
            {"complex64", "a tensor in a 'ComplexFloatStorage'"},
            {"conjugate", "a tensor in a 'ComplexFloatStorage'"},
            {"expanded", "shape [4096, 4096] repeats a storage of 1 elements too often"},
            {"float8.float8_e4m3fn", "a tensor of 'torch.float8_e4m3fn'"},
            {"float8.float8_e4m3fnuz", "a tensor of 'torch.float8_e4m3fnuz'"},
            {"float8.float8_e5m2", "a tensor of 'torch.float8_e5m2'"},
            {"float8.float8_e5m2fnuz", "a tensor of 'torch.float8_e5m2fnuz'"},
            {"float8.float8_e8m0fnu", "a tensor of 'torch.float8_e8m0fnu'"},
            {"layout", "made by 'torch.serialization._get_layout'"},
            {"meta", "a tensor made by 'torch._utils._rebuild_meta_tensor_no_storage'"},
            {"negative", "a tensor whose values are negated or conjugated when read"},
            {"nested", "a tensor made by 'torch._utils._rebuild_nested_tensor'"},
            {"quantized", "a tensor made by 'torch._utils._rebuild_qtensor'"},
            {"sparse", "a tensor made by 'torch._utils._rebuild_sparse_tensor'"}});
}

TEST_CASE("a model is read whatever objects lie beside it") {
  for (const std::string name :
       {"beside_objects_2.pt", "beside_objects_4.pt", "beside_objects_legacy.pt"}) {
    const TensorSource source = open(name);
    check_model(source, "model.");
    CHECK(source.tensors().size() == 7);
    CHECK(source.metadata().at("default.a") == "[1]");
    CHECK(source.metadata().at("deque") == "[1, 2]");
    CHECK(source.metadata().at("namespace.lr") == "1");
    CHECK(source.metadata().at("simple.lr") == "2");
    CHECK(source.metadata().at("class") == "torch.nn.modules.linear.Linear");
    const auto reasons = skipped(source);
    CHECK(reasons.at("dictionary") == "made by '__main__.Settings'");
    CHECK(reasons.at("recursive.0.0") == "holds itself");
    for (const char* left_out : {"enum", "dataclass", "list", "named", "trainer", "path", "partial",
                                 "date", "decimal", "slice", "array", "scalar", "texts"}) {
      CHECK(reasons.contains(left_out));
    }
  }
}

TEST_CASE("objects are data on request, and the model is read all the same") {
  for (const std::string name : {"beside_plain.pt", "beside_objects_2.pt", "beside_objects_4.pt",
                                 "beside_objects_legacy.pt"}) {
    const TensorSource source = open(name, true);
    check_model(source, "model.");
    if (name == "beside_plain.pt") continue;
    CHECK(source.metadata().at("dictionary.lr") == "1");
    CHECK(source.metadata().at("dictionary.inner.0.a") == "2");
    CHECK(source.metadata().at("list") == "[1, 2]");
    CHECK(source.metadata().at("dataclass.epochs") == "3");
    CHECK(skipped(source).at("trainer.trainer") == "holds itself");
  }
}

TEST_CASE("whole modules of both formats are read as their state_dict") {
  check_model(open("whole_module.pt"), "model.");
  CHECK(open("whole_module.pt").tensors().size() == 7);
  CHECK(open("whole_module.pt").groups()[0].name == "model");
  check_model(open("whole_module_legacy.pt"), "");
}

}  // namespace tessera::io::test
