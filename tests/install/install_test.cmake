# SPDX-License-Identifier: Apache-2.0
# cmake -DWAY=install|find_package|pkg_config|add_subdirectory ... -P install_test.cmake; see CMakeLists.txt.

function(run)
  list(JOIN ARGN " " shown)
  message(STATUS "${shown}")
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "exit status ${status}: ${shown}")
  endif()
endfunction()

set(build "${WORK}/${WAY}")

if(WAY STREQUAL "install")
  file(REMOVE_RECURSE "${PREFIX}")
  run("${CMAKE_COMMAND}" --install "${ATTUNE_BUILD_DIR}" --prefix "${PREFIX}")
  foreach(file include/attune/core/error.hpp ${LIBDIR}/cmake/attune/attuneConfig.cmake ${LIBDIR}/pkgconfig/attune.pc)
    if(NOT EXISTS "${PREFIX}/${file}")
      message(FATAL_ERROR "${file} was not installed")
    endif()
  endforeach()
  # Nobody can build with a package that names the machine it was made on.
  file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc" "${PREFIX}/*.hpp")
  foreach(text IN LISTS texts)
    file(STRINGS "${text}" lines)
    foreach(line IN LISTS lines)
      string(FIND "${line}" "${ATTUNE_SOURCE_DIR}/" at)
      if(NOT at EQUAL -1 AND NOT line MATCHES "^prefix=")
        message(FATAL_ERROR "${text} names the source tree: ${line}")
      endif()
    endforeach()
  endforeach()

elseif(WAY STREQUAL "find_package" OR WAY STREQUAL "add_subdirectory")
  file(REMOVE_RECURSE "${build}")
  run("${CMAKE_COMMAND}" --no-warn-unused-cli -S "${HERE}/${WAY}" -B "${build}" -G "${CMAKE_GENERATOR}"
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DCMAKE_BUILD_TYPE=Debug"
      "-DCMAKE_CXX_FLAGS_DEBUG=-O0" "-DATTUNE_SOURCE_DIR=${ATTUNE_SOURCE_DIR}" "-DATTUNE_WITH_STORE=${ATTUNE_WITH_STORE}"
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
  run("${CMAKE_COMMAND}" --build "${build}")
  run("${build}/consumer")

elseif(WAY STREQUAL "pkg_config")
  file(REMOVE_RECURSE "${build}")
  file(MAKE_DIRECTORY "${build}")
  find_program(PKG_CONFIG NAMES pkg-config pkgconf REQUIRED)
  # A package may be moved after installing: the prefix comes from here, not from the file.
  set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
  execute_process(
    COMMAND "${PKG_CONFIG}" "--define-variable=prefix=${PREFIX}" --static --cflags --libs attune
    OUTPUT_VARIABLE flags
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  # The whole archive, so that a library missing from attune.pc is an undefined symbol here.
  list(TRANSFORM flags REPLACE "^-lattune$" "-Wl,--whole-archive;-lattune;-Wl,--no-whole-archive")
  run("${CMAKE_CXX_COMPILER}" -std=c++20 "${HERE}/consumer.cpp" -o "${build}/consumer" ${flags}
      "-Wl,-rpath,${PREFIX}/${LIBDIR}")
  run("${build}/consumer")

else()
  message(FATAL_ERROR "unknown way '${WAY}'")
endif()
