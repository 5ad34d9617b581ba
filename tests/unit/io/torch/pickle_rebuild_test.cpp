#include "tessera/io/torch/pickle_rebuild.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/io/pickle.hpp"

namespace tessera::io::test {

namespace {

/// The error without the byte, which follows from the text before it.
std::string error_of(const std::string& opcodes) {
  const std::vector<std::byte> bytes = bytes_of(p_whole(opcodes));
  const std::string message = file_error([&] { read_pickle(bytes, "a.pth"); });
  const std::string begin = "a.pth: pickle byte ";
  if (!message.starts_with(begin)) return message;
  return message.substr(message.find(": ", begin.size()) + 2);
}

struct Read {
  std::vector<std::byte> bytes;
  PickleDocument document;
  explicit Read(const std::string& opcodes)
      : bytes(bytes_of(p_whole(opcodes))), document(read_pickle(bytes)) {}
};

const std::string storage = p_storage("FloatStorage", "0", 6);
const std::string tensor_v2 = p_global("torch._utils", "_rebuild_tensor_v2");
const std::string tensor_v3 = p_global("torch._utils", "_rebuild_tensor_v3");

}  // namespace

TEST_CASE("a tensor is a view of a storage") {
  const Read read(p_tensor(storage, 2, {2, 1}, {1, 7}));
  const auto* tensor = read.document.get<PickleTensor>(read.document.root);
  REQUIRE(tensor != nullptr);
  CHECK(tensor->dtype == Dtype::f32);
  CHECK(tensor->offset == 2);
  CHECK(read.document.get<PickleTuple>(tensor->shape)->items.size() == 2);
  const PickleStorage& found = read.document.storages[tensor->storage];
  CHECK(found.key == "0");
  CHECK(found.count == 6);
  CHECK(found.view_count == 6);
  CHECK(found.dtype == Dtype::f32);
}

TEST_CASE("older and newer ways of making tensors mean the same") {
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  for (const std::string& opcodes :
       {p_global("torch._utils", "_rebuild_tensor") + "(" + storage + p_int(0) + p_tuple({6}) +
            p_tuple({1}) + "tR",
        p_global("torch._utils", "_rebuild_parameter") + "(" + tensor + "\x88)tR",
        p_global("torch._utils", "_rebuild_parameter_with_state") + "(" + tensor + "\x88)}tR",
        p_global("torch._tensor", "_rebuild_from_type_v2") + "(" + tensor_v2 +
            p_global("torch.nn.parameter", "Buffer") + "(" + storage + p_int(0) + p_tuple({6}) +
            p_tuple({1}) + "t}tR"}) {
    const Read read(opcodes);
    CHECK(read.document.get<PickleTensor>(read.document.root) != nullptr);
  }
  const Read read(tensor_v3 + "((" + p_text("storage") +
                  p_global("torch.storage", "UntypedStorage") + p_text("0") + p_text("cpu") +
                  p_int(6) + "tQ" + p_int(0) + p_tuple({3}) + p_tuple({1}) + "\x89)" +
                  p_global("torch", "uint16") + "tR");
  CHECK(read.document.get<PickleTensor>(read.document.root)->dtype == Dtype::u16);
}

TEST_CASE("old files view parts of storages") {
  const auto view = [](std::int64_t offset, std::int64_t count) {
    return "(" + p_text("storage") + p_global("torch", "FloatStorage") + p_text("0") +
           p_text("cpu") + p_int(6) + "(" + p_text("0") + p_int(offset) + p_int(count) + "ttQ";
  };
  const Read read(view(2, 4));
  REQUIRE(read.document.storages.size() == 1);
  CHECK(read.document.storages[0].view_offset == 2);
  CHECK(read.document.storages[0].view_count == 4);
  CHECK(error_of(view(2, 5)) == "view of 5 elements at 2 leaves its storage of 6");
  CHECK(error_of(view(-1, 5)) == "view of 5 elements at -1 leaves its storage of 6");
  CHECK(error_of(view(1, INT64_MAX)) ==
        "view of 9223372036854775807 elements at 1 leaves its storage of 6");
}

TEST_CASE("broken storages are refused") {
  CHECK(error_of(p_storage("FloatStorage", "0", -1)) == "storage has -1 elements");
  CHECK(error_of(p_storage("Size", "0", 1)) == "'torch.Size' is no storage");
  CHECK(error_of(p_storage("Floats", "0", 1)) == "'torch.Floats' is no storage");
  CHECK(error_of("(" + p_text("module") + "NNNNtQ") ==
        "persistent id of kind 'module' is not supported");
  CHECK(error_of(p_text("storage") + "Q") == "persistent id is no tuple of at least 5 items");
  CHECK(error_of("(NNNNNtQ") == "kind of a persistent id is no text");
  CHECK(error_of("(" + p_text("storage") + p_text("torch.FloatStorage") + "NNNtQ") ==
        "calls what is no global");
}

TEST_CASE("broken tensors are refused") {
  CHECK(error_of(tensor_v2 + ")R") == "argument list is no tuple of at least 4 items");
  CHECK(error_of(tensor_v2 + "]R") == "argument list is no tuple of at least 0 items");
  CHECK(error_of(tensor_v2 + "(NNNNtR") == "'torch._utils._rebuild_tensor_v2' is given no storage");
  CHECK(error_of(tensor_v2 + "(" + storage + p_text("0") + "))tR") ==
        "offset of a tensor is no whole number");
  CHECK(error_of(tensor_v2 + "(" + storage + p_int(0) + "]" + p_tuple({1}) + "tR") ==
        "shape or strides is no tuple of at least 0 items");
  CHECK(error_of(tensor_v2 + "(" + storage + p_int(0) + "(G\x3F\xF0" + std::string(6, '\0') + "t" +
                 p_tuple({1}) + "tR") == "a size or a stride is no whole number");
  CHECK(error_of(p_tensor(storage, 0, std::vector<std::int64_t>(17, 1), {1})) ==
        "a tensor has more than 16 dimensions");
  const std::string untyped = "(" + p_text("storage") +
                              p_global("torch.storage", "UntypedStorage") + p_text("0") +
                              p_text("cpu") + p_int(6) + "tQ";
  CHECK(error_of(p_tensor(untyped, 0, {6}, {1})) == "a tensor of an untyped storage has no dtype");
  CHECK(error_of(tensor_v3 + "(" + untyped + p_int(0) + "))\x89)" + p_global("torch", "Size") +
                 "tR") == "'torch.Size' is no dtype");
  CHECK(error_of(p_global("torch._utils", "_rebuild_parameter") + "(N\x88)tR") ==
        "'torch._utils._rebuild_parameter' is given no tensor");
  const std::string subclass = p_global("torch._tensor", "_rebuild_from_type_v2");
  CHECK(error_of(subclass + "(" + subclass + p_global("torch", "Tensor") + "))tR") ==
        "'torch._tensor._rebuild_from_type_v2' is given itself");
  CHECK(error_of(subclass + "(" + tensor_v2 + p_global("argparse", "Namespace") + "))tR") ==
        "'argparse.Namespace' is no class of tensors");
}

TEST_CASE("tensors that cannot be read are left out, each with its reason") {
  const auto reason = [](const std::string& opcodes) {
    const Read read(opcodes);
    const auto* left_out = read.document.get<PickleLeftOut>(read.document.root);
    return left_out == nullptr ? "(kept)" : read.document.reasons[left_out->reason];
  };
  const std::string bytes = "(" + p_text("storage") + p_global("torch.storage", "UntypedStorage") +
                            p_text("0") + p_text("cpu") + p_int(6) + "tQ";
  const auto v3 = [&](const std::string& dtype, const std::string& flags = "") {
    return tensor_v3 + "(" + bytes + p_int(0) + p_tuple({6}) + p_tuple({1}) + "\x89)" +
           p_global("torch", dtype) + flags + "tR";
  };
  CHECK(reason(v3("uint8")) == "(kept)");
  CHECK(reason(v3("float8_e4m3fn")) == "a tensor of 'torch.float8_e4m3fn'");
  CHECK(reason(v3("complex64")) == "a tensor of 'torch.complex64'");
  CHECK(reason(v3("uint8", "}")) == "(kept)");
  CHECK(reason(v3("uint8", "}" + p_text("neg") + "\x88s")) ==
        "a tensor whose values are negated or conjugated when read");
  CHECK(reason(tensor_v2 + "(" + storage + p_int(0) + p_tuple({6}) + p_tuple({1}) + "\x89)}" +
               p_text("neg") + "\x88stR") ==
        "a tensor whose values are negated or conjugated when read");
  for (const char* type : {"ComplexFloatStorage", "QInt8Storage", "FutureStorage"}) {
    CHECK(reason(p_tensor(p_storage(type, "0", 6), 0, {6}, {1})) ==
          "a tensor in a '" + std::string(type) + "'");
  }
  for (const char* function :
       {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage",
        "_rebuild_nested_tensor", "_rebuild_wrapper_subclass"}) {
    CHECK(reason(p_global("torch._utils", function) + "(NNtR") ==
          "a tensor made by 'torch._utils." + std::string(function) + "'");
  }
  const std::string parameter = p_global("torch._utils", "_rebuild_parameter");
  CHECK(reason(parameter + "(" + v3("float8_e5m2") + "\x88)tR") ==
        "a tensor of 'torch.float8_e5m2'");
  CHECK(reason(p_global("torch._tensor", "_rebuild_from_type_v2") + "(" + tensor_v2 +
               p_global("torchao", "Packed") + "(" + storage + p_int(0) + p_tuple({6}) +
               p_tuple({1}) + "t}tR") == "a tensor of class 'torchao.Packed'");
  const std::string device = p_global("torch._utils", "_rebuild_device_tensor_from_cpu_tensor");
  const std::string tensor = p_tensor(storage, 0, {6}, {1});
  CHECK(reason(device + "(" + tensor + p_global("torch", "float32") + "N\x89tR") == "(kept)");
  CHECK(reason(device + "(" + tensor + p_global("torch", "float16") + "N\x89tR") ==
        "a tensor of 'torch.float16'");
}

TEST_CASE("classes of modules, which old files hold, are names") {
  const Read read("(" + p_text("module") + p_global("lib", "Net") + p_text("net.py") +
                  p_text("class Net") + "tQ");
  REQUIRE(read.document.global(read.document.root) != nullptr);
  CHECK(read.document.global(read.document.root)->name == "Net");
}

TEST_CASE("counters, dictionaries with a default and queues are dictionaries and lists") {
  const std::string pairs = "}" + p_text("a") + "K\x07s";
  const auto seven = [](const Read& read) {
    const auto found = read.document.find(read.document.root, "a");
    return found && *read.document.get<std::int64_t>(*found) == 7;
  };
  CHECK(seven(Read(p_global("collections", "Counter") + pairs + "\x85R")));
  const std::string with_default = p_global("collections", "defaultdict");
  CHECK(
      seven(Read(with_default + p_global("builtins", "list") + "\x85R" + p_text("a") + "K\x07s")));
  CHECK(seven(Read(with_default + p_global("builtins", "list") + pairs + "\x86R")));
  const std::string queue = p_global("collections", "deque");
  const auto length = [](const Read& read) {
    return read.document.get<PickleList>(read.document.root)->items.size();
  };
  CHECK(length(Read(queue + ")R(NNe")) == 2);
  CHECK(length(Read(queue + ")K\x05\x86R(NNe")) == 2);
  CHECK(length(Read(queue + "](NNNe\x85RNa")) == 4);
  CHECK(error_of(queue + "N\x85R") == "'collections.deque' is given no sequence");
}

TEST_CASE("dictionaries are made of pairs, sequences of items") {
  const std::string ordered = p_global("collections", "OrderedDict");
  const Read read(ordered + "(]((" + p_text("a") + p_int(1) + "t(" + p_text("b") + p_int(2) +
                  "tetR");
  REQUIRE(read.document.find(read.document.root, "b"));
  CHECK(*read.document.get<std::int64_t>(*read.document.find(read.document.root, "b")) == 2);
  CHECK(error_of(ordered + "((" + p_text("a") + "ttR") ==
        "'collections.OrderedDict' is given no pairs");
  CHECK(error_of(ordered + "(]NatR") == "pair is no tuple of at least 2 items");
  CHECK(error_of(ordered + "(](NNNtatR") == "pair has 3 items");
  const std::string size = p_global("torch", "Size");
  const Read tuple(size + "(" + p_tuple({1, 2}) + "tR");
  CHECK(tuple.document.get<PickleTuple>(tuple.document.root)->items.size() == 2);
  const Read empty(size + ")R");
  CHECK(empty.document.get<PickleTuple>(empty.document.root)->items.empty());
  CHECK(error_of(size + "(NtR") == "'torch.Size' is given no sequence");
}

TEST_CASE("objects keep their arguments and their state") {
  const Read read(p_global("argparse", "Namespace") + ")\x81}" + p_text("lr") + p_int(3) + "sb");
  const auto* object = read.document.get<PickleObject>(read.document.root);
  REQUIRE(object != nullptr);
  REQUIRE(read.document.find(object->state, "lr"));
  CHECK(*read.document.get<std::int64_t>(*read.document.find(object->state, "lr")) == 3);
  const Read device(p_global("torch", "device") + "(" + p_text("cuda") + p_int(0) + "tR");
  const auto* made = device.document.get<PickleObject>(device.document.root);
  REQUIRE(made != nullptr);
  CHECK(device.document.get<PickleTuple>(made->arguments)->items.size() == 2);

  CHECK(error_of("N}b") == "gives a state to what has none");
  CHECK(error_of(p_global("argparse", "Namespace") + "N\x81") ==
        "argument list is no tuple of at least 0 items");
  CHECK(error_of(p_global("collections", "OrderedDict") + ")\x81") ==
        "'collections.OrderedDict' is not made this way");
  CHECK(error_of(p_global("torch", "float32") + ")R") == "'torch.float32' is nothing to call");
  CHECK(error_of(p_global("torch", "FloatStorage") + ")R") ==
        "'torch.FloatStorage' is nothing to call");
  CHECK(error_of("N)R") == "calls what is no global");
}

}  // namespace tessera::io::test
