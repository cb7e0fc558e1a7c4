# SPDX-License-Identifier: Apache-2.0
# Components: runtime (shared library), development (headers, static library, package files), tools (programs).
include(CMakePackageConfigHelpers)

install(
  TARGETS attune
  EXPORT attuneTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT development
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "*.h")

set(attune_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/attune")
install(
  EXPORT attuneTargets
  NAMESPACE attune::
  DESTINATION "${attune_cmake_dir}"
  COMPONENT development)

# A shared attune carries its private libraries; a static one passes them on to whoever links it.
set(ATTUNE_CONFIG_DEPENDENCIES "find_dependency(tl-expected CONFIG)")
set(ATTUNE_PC_REQUIRES_PRIVATE "")
set(ATTUNE_PC_LIBS_PRIVATE "")
if(NOT BUILD_SHARED_LIBS)
  list(JOIN ATTUNE_FIND_DEPENDENCIES "\n" lines)
  string(APPEND ATTUNE_CONFIG_DEPENDENCIES "\n# The library is static: what it uses inside is linked by its user.\n"
         "${lines}")
  list(JOIN ATTUNE_PC_REQUIRES ", " ATTUNE_PC_REQUIRES_PRIVATE)
  list(JOIN ATTUNE_PC_LIBS " " ATTUNE_PC_LIBS_PRIVATE)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/attuneConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/attuneConfig.cmake" INSTALL_DESTINATION "${attune_cmake_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion) # until 1.0 a minor version may change the interface
configure_file("${PROJECT_SOURCE_DIR}/cmake/attune.pc.in" "${PROJECT_BINARY_DIR}/attune.pc" @ONLY)

install(
  FILES "${PROJECT_BINARY_DIR}/attuneConfig.cmake" "${PROJECT_BINARY_DIR}/attuneConfigVersion.cmake"
  DESTINATION "${attune_cmake_dir}"
  COMPONENT development)
install(
  FILES "${PROJECT_BINARY_DIR}/attune.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT development)
install(
  FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}"
  COMPONENT development)
