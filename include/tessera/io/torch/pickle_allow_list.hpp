#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "tessera/io/tensors/dtype.hpp"

namespace tessera::io {

/// What a name that a pickle mentions stands for. Nothing is ever called; the kind only says how
/// its arguments are kept.
enum class PickleGlobalKind {
  rebuild_tensor,             // (storage, offset, shape, strides, ...)
  rebuild_tensor_with_dtype,  // (storage, offset, shape, strides, grad, hooks, dtype, ...)
  rebuild_parameter,          // (tensor, ...): the tensor
  rebuild_subclass,           // (one of the above, class, arguments, state): the tensor
  tensor_class,
  storage,  // of its dtype; untyped, in bytes, where the row has none
  dtype,
  dictionary,  // () or (pairs,)
  sequence,    // () or (items,)
  plain,       // an object: its arguments and state are kept as data
  opaque       // an object whose contents are skipped
};

struct PickleGlobal {
  std::string_view module;
  std::string_view name;
  PickleGlobalKind kind = PickleGlobalKind::plain;
  std::optional<Dtype> dtype = std::nullopt;
};

namespace detail {

/// All that a pickle may mention.
inline constexpr auto pickle_globals = [] {
  using enum PickleGlobalKind;
  return std::array{
      PickleGlobal{"torch._utils", "_rebuild_tensor", rebuild_tensor},
      PickleGlobal{"torch._utils", "_rebuild_tensor_v2", rebuild_tensor},
      PickleGlobal{"torch._utils", "_rebuild_tensor_v3", rebuild_tensor_with_dtype},
      PickleGlobal{"torch._utils", "_rebuild_parameter", rebuild_parameter},
      PickleGlobal{"torch._utils", "_rebuild_parameter_with_state", rebuild_parameter},
      PickleGlobal{"torch._tensor", "_rebuild_from_type_v2", rebuild_subclass},
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
      PickleGlobal{"torch.cuda", "FloatStorage", storage, Dtype::f32},
      PickleGlobal{"torch.cuda", "DoubleStorage", storage, Dtype::f64},
      PickleGlobal{"torch.cuda", "HalfStorage", storage, Dtype::f16},
      PickleGlobal{"torch.cuda", "BFloat16Storage", storage, Dtype::bf16},
      PickleGlobal{"torch.cuda", "LongStorage", storage, Dtype::i64},
      PickleGlobal{"torch.cuda", "IntStorage", storage, Dtype::i32},
      PickleGlobal{"torch.cuda", "ByteStorage", storage, Dtype::u8},
      PickleGlobal{"torch.cuda", "BoolStorage", storage, Dtype::boolean},
      PickleGlobal{"torch.storage", "UntypedStorage", storage},
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
      PickleGlobal{"argparse", "Namespace", plain},
      PickleGlobal{"builtins", "set", sequence},
      PickleGlobal{"__builtin__", "set", sequence},
      PickleGlobal{"pathlib", "PosixPath", plain},
      PickleGlobal{"pathlib._local", "PosixPath", plain},
      // Numbers of numpy, which learning-rate tables leave in an optimizer's groups.
      PickleGlobal{"numpy", "dtype", opaque},
      PickleGlobal{"numpy.core.multiarray", "scalar", opaque},
      PickleGlobal{"numpy._core.multiarray", "scalar", opaque},
      PickleGlobal{"_codecs", "encode", opaque},
  };
}();

}  // namespace detail

/// The entry of the allow-list for module.name, or null.
constexpr const PickleGlobal* find_pickle_global(std::string_view module, std::string_view name) {
  for (const PickleGlobal& global : detail::pickle_globals) {
    if (global.module == module && global.name == name) return &global;
  }
  return nullptr;
}

}  // namespace tessera::io
