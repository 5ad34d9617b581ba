// Images and their preparation for tessera::io_compiled.
#include "tessera/io/image/jpeg_impl.hpp"
#include "tessera/io/image/png_impl.hpp"
#include "tessera/io/image/preprocessing_impl.hpp"
#include "tessera/io/image/read_impl.hpp"
#include "tessera/io/preprocessing/choose_impl.hpp"
#include "tessera/io/preprocessing/hugging_face_impl.hpp"
#include "tessera/io/preprocessing/timm_impl.hpp"
