#pragma once

#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/source/tensor_source.hpp"
