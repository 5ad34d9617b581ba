#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tessera/io/tensors/dtype.hpp"

namespace tessera::io {

/// Meaning of a name that a pickle mentions. Nothing is ever called; the kind only says how the
/// arguments are kept.
enum class PickleGlobalKind {
  rebuild_tensor,             // (storage, offset, shape, strides, ...)
  rebuild_tensor_with_dtype,  // (storage, offset, shape, strides, grad, hooks, dtype, ...)
  rebuild_parameter,          // (tensor, ...): the tensor
  rebuild_subclass,           // (one of the above, class, arguments, state): the tensor
  rebuild_device_tensor,      // (tensor, dtype, ...): the tensor, if it is of that dtype
  unreadable_tensor,          // a function whose tensors are left out: sparse, quantized, ...
  tensor_class,
  storage,          // of its dtype; untyped, in bytes, where the row has none
  foreign_storage,  // elements of `element_bytes` that no Dtype names; 0 where they are packed
  dtype,
  dictionary,          // () or (dictionary,) or (pairs,)
  default_dictionary,  // (factory,) or (factory, dictionary)
  sequence,            // () or (items,)
  queue,               // () or (items,) or (items, longest)
  plain,               // an object: its arguments and state are kept as data
  unknown              // a name that is not on the list
};

struct PickleGlobal {
  std::string_view module;
  std::string_view name;
  PickleGlobalKind kind = PickleGlobalKind::unknown;
  std::optional<Dtype> dtype = std::nullopt;
  std::uint8_t element_bytes = 0;
};

namespace detail {

/// The names that mean something here; any other one is PickleGlobalKind::unknown.
inline constexpr auto pickle_globals = [] {
  using enum PickleGlobalKind;
  return std::array{
      PickleGlobal{"torch._utils", "_rebuild_tensor", rebuild_tensor},
      PickleGlobal{"torch._utils", "_rebuild_tensor_v2", rebuild_tensor},
      PickleGlobal{"torch._utils", "_rebuild_tensor_v3", rebuild_tensor_with_dtype},
      PickleGlobal{"torch._utils", "_rebuild_parameter", rebuild_parameter},
      PickleGlobal{"torch._utils", "_rebuild_parameter_with_state", rebuild_parameter},
      PickleGlobal{"torch._tensor", "_rebuild_from_type_v2", rebuild_subclass},
      PickleGlobal{"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", rebuild_device_tensor},
      PickleGlobal{"torch._utils", "_rebuild_device_tensor_from_numpy", unreadable_tensor},
      PickleGlobal{"torch._utils", "_rebuild_meta_tensor_no_storage", unreadable_tensor},
      PickleGlobal{"torch._utils", "_rebuild_nested_tensor", unreadable_tensor},
      PickleGlobal{"torch._utils", "_rebuild_qtensor", unreadable_tensor},
      PickleGlobal{"torch._utils", "_rebuild_sparse_tensor", unreadable_tensor},
      PickleGlobal{"torch._utils", "_rebuild_wrapper_subclass", unreadable_tensor},
      PickleGlobal{"torch", "Tensor", tensor_class},
      PickleGlobal{"torch.nn.parameter", "Parameter", tensor_class},
      PickleGlobal{"torch.nn.parameter", "Buffer", tensor_class},
      PickleGlobal{"torch", "FloatStorage", storage, Dtype::f32},
      PickleGlobal{"torch", "DoubleStorage", storage, Dtype::f64},
      PickleGlobal{"torch", "HalfStorage", storage, Dtype::f16},
      PickleGlobal{"torch", "BFloat16Storage", storage, Dtype::bf16},
      PickleGlobal{"torch", "LongStorage", storage, Dtype::i64},
      PickleGlobal{"torch", "IntStorage", storage, Dtype::i32},
      PickleGlobal{"torch", "ShortStorage", storage, Dtype::i16},
      PickleGlobal{"torch", "CharStorage", storage, Dtype::i8},
      PickleGlobal{"torch", "ByteStorage", storage, Dtype::u8},
      PickleGlobal{"torch", "BoolStorage", storage, Dtype::boolean},
      PickleGlobal{"torch.storage", "UntypedStorage", storage},
      PickleGlobal{"torch", "ComplexFloatStorage", foreign_storage, std::nullopt, 8},
      PickleGlobal{"torch", "ComplexDoubleStorage", foreign_storage, std::nullopt, 16},
      PickleGlobal{"torch", "QInt8Storage", foreign_storage, std::nullopt, 1},
      PickleGlobal{"torch", "QUInt8Storage", foreign_storage, std::nullopt, 1},
      PickleGlobal{"torch", "QInt32Storage", foreign_storage, std::nullopt, 4},
      PickleGlobal{"torch", "QUInt4x2Storage", foreign_storage},
      PickleGlobal{"torch", "QUInt2x4Storage", foreign_storage},
      PickleGlobal{"torch", "float32", dtype, Dtype::f32},
      PickleGlobal{"torch", "float64", dtype, Dtype::f64},
      PickleGlobal{"torch", "float16", dtype, Dtype::f16},
      PickleGlobal{"torch", "bfloat16", dtype, Dtype::bf16},
      PickleGlobal{"torch", "int64", dtype, Dtype::i64},
      PickleGlobal{"torch", "int32", dtype, Dtype::i32},
      PickleGlobal{"torch", "int16", dtype, Dtype::i16},
      PickleGlobal{"torch", "int8", dtype, Dtype::i8},
      PickleGlobal{"torch", "uint64", dtype, Dtype::u64},
      PickleGlobal{"torch", "uint32", dtype, Dtype::u32},
      PickleGlobal{"torch", "uint16", dtype, Dtype::u16},
      PickleGlobal{"torch", "uint8", dtype, Dtype::u8},
      PickleGlobal{"torch", "bool", dtype, Dtype::boolean},
      PickleGlobal{"torch", "Size", sequence},
      PickleGlobal{"torch", "device", plain},
      PickleGlobal{"collections", "OrderedDict", dictionary},
      PickleGlobal{"collections", "Counter", dictionary},
      PickleGlobal{"collections", "defaultdict", default_dictionary},
      PickleGlobal{"collections", "deque", queue},
      PickleGlobal{"argparse", "Namespace", plain},
      PickleGlobal{"builtins", "set", sequence},
      PickleGlobal{"__builtin__", "set", sequence},
      PickleGlobal{"pathlib", "PosixPath", plain},
      PickleGlobal{"pathlib._local", "PosixPath", plain},
      PickleGlobal{"types", "SimpleNamespace", plain},
  };
}();

}  // namespace detail

/// The entry of the list for module.name, or null. A storage on a CUDA device is written as one of
/// torch.cuda, whose elements are those of torch's own.
constexpr const PickleGlobal* find_pickle_global(std::string_view module, std::string_view name) {
  if (module == "torch.cuda" && name.ends_with("Storage")) module = "torch";
  for (const PickleGlobal& global : detail::pickle_globals) {
    if (global.module == module && global.name == name) return &global;
  }
  return nullptr;
}

}  // namespace tessera::io
