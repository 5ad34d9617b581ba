#pragma once

#include "tessera/io/preprocessing/choose.hpp"
#include "tessera/io/preprocessing/hugging_face.hpp"
#include "tessera/io/preprocessing/timm.hpp"
