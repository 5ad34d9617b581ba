# The compiled mode: the headers' own code once in static libraries, for programs that would rather
# link it than compile it. The same includes, the same results. With TESSERA_COMPILED they are built
# and installed; in this project they are always there to be linked, and built when something does.
include_guard(GLOBAL)

# tessera_add_compiled(NAME SOURCES file... LINKS target...): tessera::NAME, of files in src/.
function(tessera_add_compiled name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/src/")
  add_library(tessera_${name} STATIC ${arg_SOURCES})
  add_library(tessera::${name} ALIAS tessera_${name})
  set_target_properties(tessera_${name} PROPERTIES
    EXPORT_NAME ${name}
    POSITION_INDEPENDENT_CODE ON)
  if(NOT TESSERA_COMPILED)
    set_target_properties(tessera_${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  target_link_libraries(tessera_${name} PUBLIC ${arg_LINKS})
  target_compile_definitions(tessera_${name} PUBLIC TESSERA_COMPILED_LIB)
endfunction()

tessera_add_compiled(compiled
  SOURCES models.cpp ops.cpp tokens.cpp train.cpp
  LINKS tessera)

if(TESSERA_IO)
  tessera_add_compiled(io_compiled
    SOURCES data.cpp io_files.cpp io_images.cpp io_weights.cpp run.cpp
    LINKS tessera_compiled tessera_io)
endif()
