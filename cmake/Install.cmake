include_guard(GLOBAL)
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/tessera")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tessera"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# A set of targets for each component, so that find_package asks for no library that it was not told
# to: tesseraTargets.cmake and, for the component x, tessera-x-targets.cmake.
install(TARGETS tessera EXPORT tesseraTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT tesseraTargets NAMESPACE tessera:: DESTINATION "${_package_folder}")

set(_components io)
if(TESSERA_COMPILED)
  list(APPEND _components compiled)
  if(TESSERA_IO)
    list(APPEND _components io_compiled)
  endif()
endif()
foreach(_component IN LISTS _components)
  install(TARGETS tessera_${_component} EXPORT tessera-${_component}-targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT tessera-${_component}-targets NAMESPACE tessera::
    DESTINATION "${_package_folder}")
endforeach()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/tesseraConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/tesseraConfig.cmake" INSTALL_DESTINATION "${_package_folder}")
# The headers fit every processor, libraries only the one they were built for.
set(_any_processor ARCH_INDEPENDENT)
if(TESSERA_COMPILED)
  set(_any_processor "")
endif()
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ${_any_processor})
install(FILES
  "${PROJECT_BINARY_DIR}/tesseraConfig.cmake"
  "${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/BuildType.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindTesseraWebP.cmake"
  DESTINATION "${_package_folder}")
