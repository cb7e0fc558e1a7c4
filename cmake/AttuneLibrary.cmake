# SPDX-License-Identifier: Apache-2.0
# Merges the rooms into the one library that users link, attune::attune.

get_property(attune_rooms GLOBAL PROPERTY ATTUNE_ROOMS)
add_library(attune)
add_library(attune::attune ALIAS attune)
foreach(room IN LISTS attune_rooms)
  target_sources(attune PRIVATE $<TARGET_OBJECTS:${room}>)
endforeach()

target_compile_features(attune PUBLIC cxx_std_20)
target_include_directories(attune PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                                         "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(attune PUBLIC tl::expected PRIVATE ${ATTUNE_LINK_LIBRARIES})
set_target_properties(
  attune
  PROPERTIES LINKER_LANGUAGE CXX
             VERSION ${PROJECT_VERSION}
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

if(BUILD_SHARED_LIBS)
  # Only attune's own names leave the shared library, not those of templates of libraries it was compiled with.
  target_link_options(attune PRIVATE "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/attune.map")
  set_target_properties(attune PROPERTIES LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/attune.map")
endif()

# What programs and tests built here see: the library, plus the headers its private parts use.
add_library(attune_internal INTERFACE)
target_include_directories(attune_internal INTERFACE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
target_compile_definitions(attune_internal INTERFACE ATTUNE_VERSION="${PROJECT_VERSION}"
                                                     ATTUNE_WITH_STORE=$<BOOL:${ATTUNE_WITH_STORE}>)
target_link_libraries(
  attune_internal
  INTERFACE attune
            Eigen3::Eigen
            Boost::headers
            nlohmann_json::nlohmann_json
            attune_xxhash
            ${ATTUNE_LINK_LIBRARIES})
