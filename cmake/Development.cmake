# Flags for Tessera's own tests, examples and benchmarks; nobody who links the library sees them.
include_guard(GLOBAL)

add_library(tessera_development INTERFACE)
target_compile_options(tessera_development INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  # g++ 12 warns of its own std::string where texts are joined (PR 105329, PR 105651); 13 does not.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-restrict>
  $<$<BOOL:${TESSERA_WERROR}>:-Werror>)

if(TESSERA_SANITIZE)
  string(REPLACE "," ";" _sanitizers "${TESSERA_SANITIZE}")
  foreach(_sanitizer IN LISTS _sanitizers)
    if(NOT _sanitizer MATCHES "^(address|undefined|thread)$")
      message(FATAL_ERROR
        "TESSERA_SANITIZE: '${_sanitizer}' is not one of address, undefined, thread")
    endif()
  endforeach()
  if("thread" IN_LIST _sanitizers AND "address" IN_LIST _sanitizers)
    message(FATAL_ERROR "TESSERA_SANITIZE: address and thread cannot be used together")
  endif()
  list(JOIN _sanitizers "," _sanitizers)
  set(_flags -fsanitize=${_sanitizers} -fno-sanitize-recover=all)
  target_compile_options(tessera_development INTERFACE ${_flags} -fno-omit-frame-pointer -g1)
  target_link_options(tessera_development INTERFACE ${_flags})
endif()

add_library(tessera_native INTERFACE)
if(TESSERA_NATIVE)
  target_compile_options(tessera_native INTERFACE -march=native
    # g++ reports its own AVX-512 intrinsics.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-uninitialized>)
endif()
