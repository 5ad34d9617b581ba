# Configures, builds and runs tests/consumer/project from nothing; METHOD says how it gets Tessera.
# WITH_IO whether it links tessera::io.
file(REMOVE_RECURSE "${SCRATCH}")
file(COPY "${SOURCE}/" DESTINATION "${SCRATCH}/project")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

if(METHOD STREQUAL "find_package")
  run("${CMAKE_COMMAND}" --install "${TESSERA_BUILD}" --prefix "${SCRATCH}/installed")
  # The package must stand on its own wherever it was put.
  file(RENAME "${SCRATCH}/installed" "${SCRATCH}/moved")
  list(PREPEND PREFIX_PATH "${SCRATCH}/moved")
endif()

set(settings
  -D METHOD=${METHOD}
  -D WITH_IO=${WITH_IO}
  -D COMPONENT=${COMPONENT}
  -D CMAKE_BUILD_TYPE=Debug
  -D "CMAKE_CXX_COMPILER=${COMPILER}"
  -D "CMAKE_PREFIX_PATH=${PREFIX_PATH}")
if(METHOD STREQUAL "add_subdirectory")
  file(MAKE_DIRECTORY "${SCRATCH}/project/third_party")
  file(CREATE_LINK "${TESSERA_SOURCE}" "${SCRATCH}/project/third_party/tessera" SYMBOLIC)
elseif(METHOD STREQUAL "fetch_content")
  # This tree in place of the download.
  list(APPEND settings -D "FETCHCONTENT_SOURCE_DIR_TESSERA=${TESSERA_SOURCE}")
endif()
if(EIGEN_FOLDER)
  list(APPEND settings -D "Eigen3_DIR=${EIGEN_FOLDER}")
endif()
if(EIGEN_DOWNLOAD)
  list(APPEND settings -D "FETCHCONTENT_SOURCE_DIR_EIGEN=${EIGEN_DOWNLOAD}")
endif()

string(REPLACE ";" "\\;" settings "${settings}")
run("${CMAKE_COMMAND}" -S "${SCRATCH}/project" -B "${SCRATCH}/build" -G "${GENERATOR}" ${settings})
run("${CMAKE_COMMAND}" --build "${SCRATCH}/build")
run("${SCRATCH}/build/program")
