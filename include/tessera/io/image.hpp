#pragma once

#include "tessera/io/image/image.hpp"
#include "tessera/io/image/orientation.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/image/preprocessing.hpp"
#include "tessera/io/image/read.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"
