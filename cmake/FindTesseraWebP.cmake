# Finds libwebp, which has no CMake package everywhere: sets TesseraWebP_FOUND and makes the target
# TesseraWebP::webp.
include(FindPackageHandleStandardArgs)
find_path(TesseraWebP_INCLUDE_DIR webp/decode.h)
find_library(TesseraWebP_LIBRARY NAMES webp libwebp)
mark_as_advanced(TesseraWebP_INCLUDE_DIR TesseraWebP_LIBRARY)
find_package_handle_standard_args(TesseraWebP
  REQUIRED_VARS TesseraWebP_LIBRARY TesseraWebP_INCLUDE_DIR)
if(TesseraWebP_FOUND AND NOT TARGET TesseraWebP::webp)
  add_library(TesseraWebP::webp INTERFACE IMPORTED GLOBAL)
  target_include_directories(TesseraWebP::webp INTERFACE "${TesseraWebP_INCLUDE_DIR}")
  target_link_libraries(TesseraWebP::webp INTERFACE "${TesseraWebP_LIBRARY}")
endif()
