#pragma once

#include "tessera/io/export_weights.hpp"
#include "tessera/io/load_weights.hpp"
#include "tessera/io/save_weights.hpp"
