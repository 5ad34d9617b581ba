// Files of tensors and of settings for tessera::io_compiled.
#include "tessera/io/file/mapped_file_impl.hpp"
#include "tessera/io/json/reader_impl.hpp"
#include "tessera/io/json/values_impl.hpp"
#include "tessera/io/safetensors/writer_impl.hpp"
#include "tessera/io/source/tensor_source_impl.hpp"
