# SPDX-License-Identifier: Apache-2.0
# Every dependency, by find_package, nothing downloaded. docs/dependencies.md says why each is here.
# Header-only ones are linked to the rooms only and leave no trace in the installed package; those with a library are
# collected in ATTUNE_LINK_LIBRARIES, which a static attune passes on.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW) # Boost's own config instead of the removed FindBoost
endif()

set(ATTUNE_LINK_LIBRARIES "") # CMake targets
set(ATTUNE_FIND_DEPENDENCIES "") # lines of attuneConfig.cmake for a static library
set(ATTUNE_PC_REQUIRES "") # pkg-config modules
set(ATTUNE_PC_LIBS "") # and libraries whose .pc would leak macros into the user's compile line

find_package(tl-expected CONFIG REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Threads REQUIRED)
list(APPEND ATTUNE_LINK_LIBRARIES Threads::Threads)
list(APPEND ATTUNE_FIND_DEPENDENCIES "find_dependency(Threads)")

# xxHash is compiled in (XXH_INLINE_ALL): one dependency fewer at link time, and faster on short keys.
find_path(ATTUNE_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
mark_as_advanced(ATTUNE_XXHASH_INCLUDE_DIR)
add_library(attune_xxhash INTERFACE)
target_include_directories(attune_xxhash SYSTEM INTERFACE "${ATTUNE_XXHASH_INCLUDE_DIR}")
target_compile_definitions(attune_xxhash INTERFACE XXH_INLINE_ALL)

# spdlog as a compiled library with the system's fmt, as distributions ship it.
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
list(APPEND ATTUNE_LINK_LIBRARIES spdlog::spdlog fmt::fmt)
list(APPEND ATTUNE_FIND_DEPENDENCIES "find_dependency(fmt)" "find_dependency(spdlog)")
list(APPEND ATTUNE_PC_LIBS -lspdlog -lfmt -pthread)

set(ATTUNE_ZSTD_TARGET "")
if(ATTUNE_WITH_STORE)
  find_package(SQLite3 3.40 REQUIRED)
  find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
  list(APPEND ATTUNE_LINK_LIBRARIES SQLite::SQLite3 OpenSSL::Crypto)
  list(APPEND ATTUNE_FIND_DEPENDENCIES "find_dependency(SQLite3)" "find_dependency(OpenSSL COMPONENTS Crypto)")
  list(APPEND ATTUNE_PC_REQUIRES sqlite3 libcrypto)
  if(ATTUNE_WITH_ZSTD)
    find_package(zstd CONFIG)
    foreach(candidate zstd::libzstd_shared zstd::libzstd zstd::libzstd_static)
      if(TARGET ${candidate} AND NOT ATTUNE_ZSTD_TARGET)
        set(ATTUNE_ZSTD_TARGET ${candidate})
      endif()
    endforeach()
    if(ATTUNE_ZSTD_TARGET)
      list(APPEND ATTUNE_LINK_LIBRARIES ${ATTUNE_ZSTD_TARGET})
      list(APPEND ATTUNE_FIND_DEPENDENCIES "find_dependency(zstd CONFIG)")
      list(APPEND ATTUNE_PC_REQUIRES libzstd)
    else()
      message(STATUS "attune: zstd not found; blobs in the store stay uncompressed")
    endif()
  endif()
endif()

# -- developers only -----------------------------------------------------------------------------------------------
if(ATTUNE_BUILD_TOOLS OR ATTUNE_BUILD_SIMULATIONS)
  find_package(CLI11 REQUIRED)
  find_path(ATTUNE_CSV_INCLUDE_DIR csv.h)
  find_library(ATTUNE_CSV_LIBRARY csv)
  mark_as_advanced(ATTUNE_CSV_INCLUDE_DIR ATTUNE_CSV_LIBRARY)
  find_package(ZLIB)
  add_library(attune_cli INTERFACE) # what command-line programs share
  target_link_libraries(attune_cli INTERFACE CLI11::CLI11)
  if(ATTUNE_CSV_INCLUDE_DIR AND ATTUNE_CSV_LIBRARY)
    target_include_directories(attune_cli SYSTEM INTERFACE "${ATTUNE_CSV_INCLUDE_DIR}")
    target_link_libraries(attune_cli INTERFACE "${ATTUNE_CSV_LIBRARY}")
  endif()
  if(ZLIB_FOUND)
    target_link_libraries(attune_cli INTERFACE ZLIB::ZLIB)
  endif()
endif()

# GNU GSL is GPL: an oracle in tests and benchmarks. Nothing that is installed links it.
add_library(attune_oracles INTERFACE)
if(ATTUNE_WITH_GSL AND (ATTUNE_BUILD_TESTS OR ATTUNE_BUILD_BENCH))
  find_package(GSL)
  if(GSL_FOUND)
    target_link_libraries(attune_oracles INTERFACE GSL::gsl)
    target_compile_definitions(attune_oracles INTERFACE ATTUNE_HAS_GSL=1)
  else()
    message(STATUS "attune: GSL not found; tests that compare with it are left out")
  endif()
endif()
if(ATTUNE_WITH_NLOPT AND (ATTUNE_BUILD_TESTS OR ATTUNE_BUILD_BENCH))
  find_package(NLopt REQUIRED)
  target_link_libraries(attune_oracles INTERFACE NLopt::nlopt)
  target_compile_definitions(attune_oracles INTERFACE ATTUNE_HAS_NLOPT=1)
endif()

if(ATTUNE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck CONFIG REQUIRED)
endif()
if(ATTUNE_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
