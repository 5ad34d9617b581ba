# Each dependency is looked for on the machine first and downloaded second. Downloads of header-only
# packages are only unpacked (their SOURCE_SUBDIR does not exist) and given the imported target that
# the installed package would have, so that install(EXPORT) can name it.
include_guard(GLOBAL)
include(FetchContent)

macro(tessera_header_only_download name imported_target include_folder)
  FetchContent_Declare(${name} ${ARGN}
    SOURCE_SUBDIR headers-only DOWNLOAD_EXTRACT_TIMESTAMP TRUE)
  FetchContent_MakeAvailable(${name})
  string(TOLOWER ${name} _tessera_name)
  add_library(${imported_target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${imported_target} INTERFACE
    "${${_tessera_name}_SOURCE_DIR}/${include_folder}")
endmacro()

# Eigen 3.4 and 5.x. A version in find_package would refuse the other major version.
function(tessera_find_eigen)
  if(TARGET Eigen3::Eigen)
    return()
  endif()
  find_package(Eigen3 CONFIG QUIET GLOBAL)
  if(Eigen3_FOUND AND Eigen3_VERSION VERSION_GREATER_EQUAL 3.4)
    message(STATUS "Tessera: Eigen ${Eigen3_VERSION} in ${Eigen3_DIR}")
    set_property(GLOBAL PROPERTY TESSERA_EIGEN_INSTALLED TRUE)
    return()
  endif()
  if(Eigen3_FOUND)
    message(FATAL_ERROR "Tessera needs Eigen 3.4 or newer and found ${Eigen3_VERSION} in "
      "${Eigen3_DIR}. Set Eigen3_DIR to a newer one, or CMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON to "
      "download Eigen 3.4.0.")
  endif()
  message(STATUS "Tessera: Eigen is not installed, downloading 3.4.0")
  tessera_header_only_download(eigen Eigen3::Eigen .
    URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
    URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72)
endfunction()

function(tessera_find_io_packages)
  find_package(PNG QUIET GLOBAL)
  find_package(JPEG QUIET GLOBAL)
  find_package(ZLIB QUIET GLOBAL)
  if(NOT TARGET PNG::PNG OR NOT TARGET JPEG::JPEG OR NOT TARGET ZLIB::ZLIB)
    message(FATAL_ERROR "tessera::io needs libpng, libjpeg and zlib with their headers "
      "(Debian and Ubuntu: libpng-dev, libjpeg-dev, zlib1g-dev). Install them, or set TESSERA_IO=OFF.")
  endif()
  list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  if(TESSERA_WEBP STREQUAL "ON")
    find_package(TesseraWebP REQUIRED)
  elseif(TESSERA_WEBP STREQUAL "AUTO")
    find_package(TesseraWebP QUIET)
  endif()
  set(TesseraWebP_FOUND "${TesseraWebP_FOUND}" PARENT_SCOPE)
endfunction()

# nlohmann/json is what tests compare the library's own JSON with.
function(tessera_find_json)
  if(NOT TARGET nlohmann_json::nlohmann_json)
    find_package(nlohmann_json 3.7 CONFIG QUIET GLOBAL)
    if(NOT nlohmann_json_FOUND)
      message(STATUS "Tessera: nlohmann_json is not installed, downloading 3.11.3")
      tessera_header_only_download(json nlohmann_json::nlohmann_json single_include
        URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
        URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
    endif()
  endif()
endfunction()

# A macro, because include(Catch) of version 3 is found through the caller's CMAKE_MODULE_PATH.
macro(tessera_find_catch2)
  if(NOT TARGET Catch2::Catch2WithMain)
    find_package(Catch2 CONFIG QUIET)
    if(NOT TARGET Catch2::Catch2WithMain)
      message(STATUS "Tessera: Catch2 is not installed, downloading 3.7.1")
      FetchContent_Declare(Catch2 SYSTEM DOWNLOAD_EXTRACT_TIMESTAMP TRUE
        URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.7.1.tar.gz
        URL_HASH SHA256=c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c)
      FetchContent_MakeAvailable(Catch2)
      list(APPEND CMAKE_MODULE_PATH "${catch2_SOURCE_DIR}/extras")
    endif()
  endif()
  include(Catch)
endmacro()

function(tessera_find_cli11)
  if(TARGET CLI11::CLI11)
    return()
  endif()
  find_package(CLI11 CONFIG QUIET GLOBAL)
  if(NOT CLI11_FOUND)
    message(STATUS "Tessera: CLI11 is not installed, downloading 2.4.2")
    tessera_header_only_download(CLI11 CLI11::CLI11 include
      URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.4.2.tar.gz
      URL_HASH SHA256=f2d893a65c3b1324c50d4e682c0cdc021dd0477ae2c048544f39eed6654b699a)
  endif()
endfunction()
