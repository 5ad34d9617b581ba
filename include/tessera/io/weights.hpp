#pragma once

#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/weights/convert.hpp"
#include "tessera/io/weights/export.hpp"
#include "tessera/io/weights/hugging_face_config.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/save.hpp"

#ifdef TESSERA_COMPILED_LIB
#include "tessera/io/weights/instances.hpp"
#endif
