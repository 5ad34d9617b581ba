// Weights files for tessera::io_compiled: what they are, loading, saving, conversion.
#include "tessera/io/checkpoint/checkpoint_impl.hpp"
#include "tessera/io/checkpoint/facts_impl.hpp"
#include "tessera/io/checkpoint/model_config_impl.hpp"
#include "tessera/io/inspect/describe_impl.hpp"
#include "tessera/io/weights/convert_impl.hpp"
#include "tessera/io/weights/export_impl.hpp"
#include "tessera/io/weights/hugging_face_config_impl.hpp"
#include "tessera/io/weights/load_impl.hpp"
#include "tessera/io/weights/save_impl.hpp"
#include "tessera/models/instances.hpp"
#include "tessera/nn/instances.hpp"

#undef TESSERA_EXTERN
#define TESSERA_EXTERN
#include "tessera/io/weights/instances.hpp"
