// The operations of tessera::compiled.
#define TESSERA_EXTERN
#include "tessera/ops/instances.hpp"
