# The compiled mode: the headers' own code once in a library, for programs that would rather link than
# compile it. The same includes, the same results. Header-only use is not touched by it.
include_guard(GLOBAL)

# tessera_add_compiled(NAME SOURCES... LINKS...): a static library of src/, built when something
# links it or asks for it.
function(tessera_add_compiled name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/src/")
  add_library(tessera_${name} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
  add_library(tessera::${name} ALIAS tessera_${name})
  set_target_properties(tessera_${name} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(tessera_${name} PUBLIC ${arg_LINKS})
  target_compile_definitions(tessera_${name} PUBLIC TESSERA_COMPILED_LIB)
endfunction()

tessera_add_compiled(compiled LINKS tessera
  SOURCES models.cpp ops.cpp tokens.cpp train.cpp)
