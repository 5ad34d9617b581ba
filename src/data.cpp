// Reading of data sets for tessera::io_compiled.
#include "tessera/data/loader_impl.hpp"
