// The layers and models of tessera::compiled.
#include "tessera/ops/instances.hpp"
#include "tessera/ops/tokens/instances.hpp"

#undef TESSERA_EXTERN
#define TESSERA_EXTERN
#include "tessera/models/instances.hpp"
#include "tessera/nn/instances.hpp"
