// Training runs in folders for tessera::io_compiled.
#include "tessera/run/run_folder_impl.hpp"
