# A project without a build type compiles without optimization. Tessera then runs some six times
# slower and nothing says so: this does, once.
get_property(_tessera_said GLOBAL PROPERTY TESSERA_BUILD_TYPE_SAID)
if(NOT _tessera_said AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES
    AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
  message(NOTICE "tessera: this project has no CMAKE_BUILD_TYPE, so nothing is optimized and "
    "Tessera runs about six times slower. Configure with -DCMAKE_BUILD_TYPE=Release.")
  set_property(GLOBAL PROPERTY TESSERA_BUILD_TYPE_SAID TRUE)
endif()
unset(_tessera_said)
