# The static and the shared library, compiled separately: on Windows their
# symbols are declared differently.
# SPDX-License-Identifier: MIT

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

list(TRANSFORM RONDO_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)

add_library(rondo_static STATIC ${RONDO_SOURCES})
add_library(rondo_shared SHARED ${RONDO_SOURCES})
set_target_properties(rondo_shared PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    EXPORT_COMPILE_COMMANDS OFF) # the same files as the static library's
target_compile_definitions(rondo_shared PUBLIC RONDO_SHARED)

foreach(kind static shared)
    set(target rondo_${kind})
    add_library(rondo::${kind} ALIAS ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME rondo
        EXPORT_NAME ${kind}
        C_VISIBILITY_PRESET hidden)
    target_compile_definitions(${target}
        PRIVATE RONDO_BUILDING)
    target_include_directories(${target}
        PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE
            ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target}
        PRIVATE Threads::Threads ${RONDO_SYSTEM_LIBRARIES})
    if(NOT RONDO_TOP_LEVEL AND NOT RONDO_INSTALL)
        # An embedding project builds the one it links with.
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endforeach()

if(BUILD_SHARED_LIBS)
    set(RONDO_DEFAULT_KIND shared)
else()
    set(RONDO_DEFAULT_KIND static)
endif()
add_library(rondo::rondo ALIAS rondo_${RONDO_DEFAULT_KIND})

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(RONDO_SIM_DEFAULT ON)
else()
    set(RONDO_SIM_DEFAULT OFF)
endif()

# The same library over a simulated system, for tests of programs. Its
# assertions stay: who tests wants to hear of them.
option(RONDO_BUILD_SIM "Build rondo::sim, the simulated system (Linux)"
    ${RONDO_SIM_DEFAULT})
if(RONDO_BUILD_SIM)
    list(TRANSFORM RONDO_SIM_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
    add_library(rondo_sim STATIC ${RONDO_SIM_SOURCES})
    add_library(rondo::sim ALIAS rondo_sim)
    set_target_properties(rondo_sim PROPERTIES
        EXPORT_NAME sim
        C_VISIBILITY_PRESET hidden
        EXPORT_COMPILE_COMMANDS OFF) # mostly the static library's files
    target_compile_definitions(rondo_sim PRIVATE RONDO_BUILDING RONDO_SIMULATED)
    target_compile_options(rondo_sim PRIVATE -UNDEBUG)
    target_include_directories(rondo_sim
        PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE
            ${PROJECT_SOURCE_DIR}/src)
    target_include_directories(rondo_sim SYSTEM BEFORE
        PRIVATE ${PROJECT_SOURCE_DIR}/src/sim)
    target_link_libraries(rondo_sim PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
    if(RONDO_TOP_LEVEL) # never built: ./dev lint reads how its files compile
        list(TRANSFORM RONDO_SIM_OWN_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
        add_library(rondo_sim_lint OBJECT EXCLUDE_FROM_ALL
            ${RONDO_SIM_OWN_SOURCES})
        target_compile_definitions(rondo_sim_lint
            PRIVATE RONDO_BUILDING RONDO_SIMULATED)
        target_include_directories(rondo_sim_lint PRIVATE
            ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
        target_include_directories(rondo_sim_lint SYSTEM BEFORE
            PRIVATE ${PROJECT_SOURCE_DIR}/src/sim)
    endif()
    if(NOT RONDO_TOP_LEVEL AND NOT RONDO_INSTALL)
        set_target_properties(rondo_sim PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endif()
