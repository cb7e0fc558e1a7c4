# SPDX-License-Identifier: Apache-2.0
include(GoogleTest)

set(ATTUNE_quick_TEST_FLAGS $<$<CONFIG:Release>:-O0>)
set(ATTUNE_slow_TEST_FLAGS $<$<CONFIG:Release>:-O1>)
set(ATTUNE_RC_PARAMS "seed=20261121" CACHE STRING
    "RC_PARAMS of RapidCheck under ctest; a fixed seed by default, so that a red run can be repeated")

# What every test program links.
add_library(attune_test_base INTERFACE)
target_link_libraries(attune_test_base INTERFACE attune_internal attune_oracles GTest::gtest GTest::gtest_main
                                                 rapidcheck rapidcheck_gtest)
target_compile_definitions(
  attune_test_base
  INTERFACE # The folder of the checkout (golden files) and of the build (programs to start), for tests that need them.
            ATTUNE_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ATTUNE_TEST_BINARY_DIR="${PROJECT_BINARY_DIR}")

# One precompiled header for all test programs: <gtest/gtest.h> costs more than most tests. REUSE_FROM needs equal
# flags everywhere, hence no target below sets definitions or options of its own; and there are two, because tests are
# not optimised: their time is spent in the library, which is, and compiling them is most of a build. The slow ones are,
# a little: they simulate disks and count draws themselves.
foreach(speed quick slow)
  set(target attune_${speed}_test_pch)
  add_library(${target} OBJECT "${PROJECT_SOURCE_DIR}/cmake/test_pch.cpp")
  attune_developer_target(${target})
  target_link_libraries(${target} PRIVATE attune_test_base)
  target_compile_options(${target} PRIVATE ${ATTUNE_${speed}_TEST_FLAGS})
  target_precompile_headers(
    ${target}
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
    <nlohmann/json.hpp>
    <tl/expected.hpp>)
endforeach()

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
  set(speed quick)
  if(label STREQUAL "slow" OR room STREQUAL "faults")
    set(speed slow)
  endif()
  target_compile_options(${target} PRIVATE ${ATTUNE_${speed}_TEST_FLAGS})
  target_precompile_headers(${target} REUSE_FROM attune_${speed}_test_pch)
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
