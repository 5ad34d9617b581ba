// The training tools of tessera::compiled.
#include "tessera/ops/instances.hpp"

#undef TESSERA_EXTERN
#define TESSERA_EXTERN
#include "tessera/train/instances.hpp"
