// The operations on tokens of tessera::compiled.
#define TESSERA_EXTERN
#include "tessera/ops/tokens/instances.hpp"
