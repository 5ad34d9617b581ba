#pragma once

#include "tessera/io/safetensors_reader.hpp"
#include "tessera/io/safetensors_writer.hpp"
