# SPDX-License-Identifier: Apache-2.0
# Compiler flags, sanitizers, ccache, mold. Nothing here reaches users: flags hang on attune_flags, which is linked
# PRIVATE, or are global to a top-level build only.

add_library(attune_flags INTERFACE)

target_compile_features(attune_flags INTERFACE cxx_std_20)
target_compile_options(
  attune_flags
  INTERFACE # x86 and ARM, GCC and Clang must agree bit for bit: no fused multiply-add behind the source's back.
            -ffp-contract=off
            # Clang contracts by default too; neither may ever get -ffast-math or -march=native from here.
            # Build paths stay out of assertion messages, so that two checkouts give the same bytes.
            "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")

# Warnings are for those who work on attune; whoever embeds it sees none of them.
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(
    attune_flags
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wconversion
              -Wshadow
              $<$<BOOL:${ATTUNE_WERROR}>:-Werror>)
endif()

# GCC 12 reports false -Wrestrict and -Wstringop-* where a std::string is built or copied (GCC bug 105329 and others).
if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(attune_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()

# GCC 12 with sanitizers reports false -Wmaybe-uninitialized, -Wstringop-overflow and the like: the instrumented code
# hides what the optimizer knew. They stay warnings there; the release build, not instrumented, keeps them errors.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND (ATTUNE_SANITIZE OR ATTUNE_COVERAGE))
  target_compile_options(
    attune_flags INTERFACE -Wno-error=maybe-uninitialized -Wno-error=stringop-overflow -Wno-error=array-bounds
                           -Wno-error=stringop-overread -Wno-error=null-dereference)
endif()

if(ATTUNE_SANITIZE)
  list(JOIN ATTUNE_SANITIZE "," attune_sanitize_list)
  add_compile_options("-fsanitize=${attune_sanitize_list}" -fno-omit-frame-pointer)
  if("undefined" IN_LIST ATTUNE_SANITIZE)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options("-fsanitize=${attune_sanitize_list}")
endif()

if(ATTUNE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

if(ATTUNE_USE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(ATTUNE_CCACHE ccache)
  mark_as_advanced(ATTUNE_CCACHE)
  if(ATTUNE_CCACHE)
    # Precompiled headers are cached only when ccache is told that we use neither __TIME__ nor changing defines there.
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros"
                                    "${ATTUNE_CCACHE}")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(attune_flags INTERFACE -fpch-preprocess)
    else()
      target_compile_options(attune_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
endif()

if(ATTUNE_USE_MOLD)
  find_program(ATTUNE_MOLD mold)
  mark_as_advanced(ATTUNE_MOLD)
  if(ATTUNE_MOLD)
    include(CheckLinkerFlag)
    check_linker_flag(CXX "-fuse-ld=mold" ATTUNE_MOLD_WORKS)
    if(ATTUNE_MOLD_WORKS)
      add_link_options("-fuse-ld=mold")
    endif()
  endif()
endif()
