# SPDX-License-Identifier: Apache-2.0
include(GoogleTest)

set(ATTUNE_RC_PARAMS "seed=20261121" CACHE STRING
    "RC_PARAMS of RapidCheck under ctest; a fixed seed by default, so that a red run can be repeated")

# One precompiled header for all test programs: <gtest/gtest.h> costs more than most tests. REUSE_FROM needs equal
# flags everywhere, hence no target below sets definitions or options of its own.
add_library(attune_test_pch OBJECT "${PROJECT_SOURCE_DIR}/cmake/test_pch.cpp")
attune_developer_target(attune_test_pch)

# What every test program links.
add_library(attune_test_base INTERFACE)
target_link_libraries(attune_test_base INTERFACE attune_internal attune_oracles GTest::gtest GTest::gtest_main
                                                 rapidcheck rapidcheck_gtest)
target_compile_definitions(
  attune_test_base
  INTERFACE # The folder of the checkout (golden files) and of the build (programs to start), for tests that need them.
            ATTUNE_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ATTUNE_TEST_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_link_libraries(attune_test_pch PRIVATE attune_test_base)
target_precompile_headers(
  attune_test_pch
  PRIVATE
  <algorithm>
  <array>
  <atomic>
  <chrono>
  <cmath>
  <cstdint>
  <filesystem>
  <fstream>
  <functional>
  <limits>
  <map>
  <memory>
  <numeric>
  <optional>
  <random>
  <span>
  <sstream>
  <string>
  <string_view>
  <thread>
  <tuple>
  <utility>
  <variant>
  <vector>
  <gtest/gtest.h>
  <tl/expected.hpp>)

# attune_room_tests(<room> <folder>): test_<room> from <folder>/**/*_test.cpp, and test_<room>_slow, with the label
# `slow`, from *_slow_test.cpp. Other .cpp files of the folder go into both. ctest names: <room>.<Suite>.<Test>.
function(attune_room_tests room folder)
  # Globbed for the reason given in AttuneRoom.cmake.
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  set(fast ${sources})
  set(slow ${sources})
  list(FILTER fast INCLUDE REGEX "_test\\.cpp$")
  list(FILTER fast EXCLUDE REGEX "_slow_test\\.cpp$")
  list(FILTER slow INCLUDE REGEX "_slow_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  if(fast)
    attune_test_program(test_${room} ${room} ${room} ${fast} ${sources})
  endif()
  if(slow)
    attune_test_program(test_${room}_slow ${room} slow ${slow} ${sources})
  endif()
endfunction()

function(attune_test_program target room label)
  add_executable(${target} ${ARGN})
  attune_developer_target(${target})
  target_link_libraries(${target} PRIVATE attune_test_support attune_test_base)
  target_precompile_headers(${target} REUSE_FROM attune_test_pch)
  foreach(program_room simulations tools)
    if(room STREQUAL program_room AND TARGET attune_${program_room})
      target_link_libraries(${target} PRIVATE attune_${program_room})
    endif()
  endforeach()
  if(label STREQUAL "slow")
    set(timeout 900)
  else()
    set(timeout 120)
  endif()
  gtest_discover_tests(
    ${target}
    TEST_PREFIX "${room}."
    DISCOVERY_MODE PRE_TEST # at ctest time: a build does not run what it just built
    DISCOVERY_TIMEOUT 60
    # One label only: CMake 3.25 takes a list apart here, and the test would have none of them.
    PROPERTIES LABELS ${label} TIMEOUT ${timeout} ENVIRONMENT "RC_PARAMS=${ATTUNE_RC_PARAMS}")
endfunction()

# attune_compile_fail_tests(<folder>): what must not compile is compiled twice. With -DATTUNE_SHOULD_FAIL the compiler
# must refuse it with a message that matches the file's line `// expect: <regex>`; without, it must accept it.
function(attune_compile_fail_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    foreach(expect refused accepted)
      add_test(
        NAME compile_fail.${name}.${expect}
        COMMAND
          "${CMAKE_COMMAND}" "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DSOURCE=${source}" "-DEXPECT=${expect}"
          "-DINCLUDES=${PROJECT_SOURCE_DIR}/include;${PROJECT_SOURCE_DIR}/src;${PROJECT_SOURCE_DIR};$<TARGET_PROPERTY:tl::expected,INTERFACE_INCLUDE_DIRECTORIES>"
          -P "${PROJECT_SOURCE_DIR}/cmake/CompileFail.cmake")
      set_tests_properties(compile_fail.${name}.${expect} PROPERTIES LABELS compile_fail TIMEOUT 120)
    endforeach()
  endforeach()
endfunction()
