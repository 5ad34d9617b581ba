#pragma once

#include "tessera/io/safetensors/reader.hpp"
#include "tessera/io/safetensors/writer.hpp"
