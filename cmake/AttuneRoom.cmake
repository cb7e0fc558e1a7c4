# SPDX-License-Identifier: Apache-2.0
# attune_room(<room> [LINK <targets>...] [PCH <headers>...] [OPTIONS <flags>...])
#
# One room = one target attune_<room>, made of every .cpp in the calling folder and below. It links only what the
# layout allows; cmake/AttuneLibrary.cmake merges all rooms into the library that users link.
#
# Sources are globbed with CONFIGURE_DEPENDS on purpose: a new algorithm is a new file and nothing else, several
# people add files at once, and the check costs milliseconds per build with Ninja. A file that must not be built
# does not belong in a room.
function(attune_room room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;PCH;OPTIONS")
  set(target attune_${room})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")

  if(NOT sources)
    add_library(${target} INTERFACE) # a room of headers only
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${target} INTERFACE ${arg_LINK})
    return()
  endif()

  add_library(${target} OBJECT ${sources})
  target_include_directories(
    ${target}
    PUBLIC "${PROJECT_SOURCE_DIR}/include"
    # Private headers are included by room: "core/hash.hpp" is src/core/hash.hpp, "policies/bayes/kernel.hpp" is itself.
    PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  target_compile_definitions(${target} PRIVATE ATTUNE_WITH_STORE=$<BOOL:${ATTUNE_WITH_STORE}>)
  # The library alone is what the speed of decisions hangs on: 3 to 6 % of the engine, a fifth of LinUCB 10 x 20.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O3> ${arg_OPTIONS})
  target_link_libraries(${target} PUBLIC ${arg_LINK} PRIVATE attune_flags)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
                                             POSITION_INDEPENDENT_CODE ON)
  # Static: hidden, so that a plug-in that contains attune does not export it. Shared: the list of what is exported is
  # cmake/attune.map; it needs no marks in the headers.
  if(NOT BUILD_SHARED_LIBS)
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
  if(arg_PCH)
    target_precompile_headers(${target} PRIVATE ${arg_PCH})
  endif()
  set_property(GLOBAL APPEND PROPERTY ATTUNE_ROOMS ${target})
endfunction()

# attune_programs(<prefix-of-support-library> [LINK <targets>...] [PCH <headers>...] [COMPONENT <component>])
#
# The calling folder's programs: <name>_main.cpp becomes the program attune-<name>, '_' spelt '-'; every other .cpp
# goes into the static library <library>, so that the tests can link it.
function(attune_programs library)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "COMPONENT" "LINK;PCH")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  set(mains ${sources})
  list(FILTER mains INCLUDE REGEX "_main\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_main\\.cpp$")

  if(sources)
    add_library(${library} STATIC ${sources})
    attune_developer_target(${library})
    target_link_libraries(${library} PUBLIC attune_internal ${arg_LINK})
    if(arg_PCH)
      target_precompile_headers(${library} PRIVATE ${arg_PCH})
    endif()
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE attune_internal ${arg_LINK})
  endif()

  foreach(main IN LISTS mains)
    cmake_path(GET main STEM name)
    string(REGEX REPLACE "_main$" "" name "${name}")
    string(REPLACE "_" "-" name "attune-${name}")
    add_executable(${name} "${main}")
    attune_developer_target(${name})
    target_link_libraries(${name} PRIVATE ${library})
    if(TARGET attune_all_programs)
      add_dependencies(attune_all_programs ${name})
    endif()
    if(ATTUNE_INSTALL AND arg_COMPONENT)
      install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT ${arg_COMPONENT})
    endif()
  endforeach()
endfunction()

# Flags of everything that is built here and never exported: tests, tools, simulations, examples, benchmarks.
function(attune_developer_target target)
  target_link_libraries(${target} PRIVATE attune_flags)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endfunction()
