# What CMake says to projects that use the library: a component that does not exist is named beside those that
# do, and a project without a build type is told so once.
#   cmake -D TESSERA_SOURCE=... -D TESSERA_BUILD=... -D SCRATCH=... -D GENERATOR=... -D COMPILER=... -P messages.cmake
file(REMOVE_RECURSE "${SCRATCH}")
file(MAKE_DIRECTORY "${SCRATCH}/component" "${SCRATCH}/build_type")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${TESSERA_BUILD}" --prefix "${SCRATCH}/installed"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# configure(FOLDER RESULT OUTPUT FLAG...)
function(configure folder result output)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${SCRATCH}/${folder}" -B "${SCRATCH}/${folder}/build" -G "${GENERATOR}"
      -D "CMAKE_CXX_COMPILER=${COMPILER}" -D "CMAKE_PREFIX_PATH=${SCRATCH}/installed" ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  set(${result} ${status} PARENT_SCOPE)
  set(${output} "${said}" PARENT_SCOPE)
endfunction()

file(WRITE "${SCRATCH}/component/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)
project(component LANGUAGES CXX)
find_package(tessera CONFIG REQUIRED COMPONENTS images)
")
configure(component status said -D CMAKE_BUILD_TYPE=Release)
if(status EQUAL 0 OR NOT said MATCHES "tessera has no component images, it has io")
  message(FATAL_ERROR "component images: status ${status}, said: ${said}")
endif()

file(WRITE "${SCRATCH}/build_type/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)
project(build_type LANGUAGES CXX)
find_package(tessera CONFIG REQUIRED)
find_package(tessera CONFIG REQUIRED)
")
configure(build_type status said)
string(REGEX MATCHALL "no CMAKE_BUILD_TYPE" times "${said}")
list(LENGTH times times)
if(NOT status EQUAL 0 OR NOT times EQUAL 1)
  message(FATAL_ERROR "no build type: status ${status}, said ${times} times: ${said}")
endif()
configure(build_type status said -D CMAKE_BUILD_TYPE=Release)
if(said MATCHES "no CMAKE_BUILD_TYPE")
  message(FATAL_ERROR "build type Release: said ${said}")
endif()
