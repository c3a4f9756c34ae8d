# The static and the shared library, compiled separately: on Windows their
# symbols are declared differently.
# SPDX-License-Identifier: MIT

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
# On Windows the threads are the system's: CMake's would be winpthread, whose
# DLL a program would need.
if(WIN32)
    set(RONDO_THREADS "")
    set(RONDO_THREAD_FLAGS "")
else()
    set(RONDO_THREADS Threads::Threads)
    set(RONDO_THREAD_FLAGS ${CMAKE_THREAD_LIBS_INIT})
endif()

# RONDO_BUILD_STATIC and RONDO_BUILD_SHARED say which kinds are built by default
# and installed: both, or the one that BUILD_SHARED_LIBS asks for. They are no
# options, because an option would keep what an earlier BUILD_SHARED_LIBS said.
foreach(kind STATIC SHARED)
    if(NOT DEFINED RONDO_BUILD_${kind})
        set(RONDO_BUILD_${kind} ON)
    endif()
endforeach()
if(DEFINED BUILD_SHARED_LIBS)
    if(BUILD_SHARED_LIBS AND NOT DEFINED CACHE{RONDO_BUILD_STATIC})
        set(RONDO_BUILD_STATIC OFF)
    elseif(NOT BUILD_SHARED_LIBS AND NOT DEFINED CACHE{RONDO_BUILD_SHARED})
        set(RONDO_BUILD_SHARED OFF)
    endif()
endif()
if(BUILD_SHARED_LIBS OR NOT RONDO_BUILD_STATIC)
    set(RONDO_DEFAULT_KIND shared)
else()
    set(RONDO_DEFAULT_KIND static)
endif()
if(NOT RONDO_BUILD_STATIC AND NOT RONDO_BUILD_SHARED)
    message(FATAL_ERROR "rondo: RONDO_BUILD_STATIC and RONDO_BUILD_SHARED are "
        "both OFF: no library is left to build")
endif()

# rondo_leave_out_of_all(TARGET KIND): built only for what links with it, where
# nobody asked for the kind, or another project embeds this one.
function(rondo_leave_out_of_all target kind)
    string(TOUPPER ${kind} upper)
    if(NOT RONDO_BUILD_${upper} OR (NOT RONDO_TOP_LEVEL AND NOT RONDO_INSTALL))
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endfunction()

list(TRANSFORM RONDO_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)

add_library(rondo_static STATIC ${RONDO_SOURCES})
add_library(rondo_shared SHARED ${RONDO_SOURCES})
set_target_properties(rondo_shared PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    EXPORT_COMPILE_COMMANDS OFF) # the same files as the static library's
target_compile_definitions(rondo_shared PUBLIC RONDO_SHARED)
if(MINGW) # libgcc and winpthread, for the thread-local variables, stay inside
    target_link_options(rondo_shared PRIVATE -static)
endif()

if(RONDO_USDT STREQUAL "AUTO")
    include(CheckIncludeFile)
    check_include_file(sys/sdt.h RONDO_HAVE_SDT)
    set(RONDO_PROBES ${RONDO_HAVE_SDT})
else()
    set(RONDO_PROBES ${RONDO_USDT})
endif()

foreach(kind static shared)
    set(target rondo_${kind})
    add_library(rondo::${kind} ALIAS ${target})
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME rondo
        EXPORT_NAME ${kind}
        C_VISIBILITY_PRESET hidden)
    target_compile_definitions(${target}
        PRIVATE RONDO_BUILDING $<$<BOOL:${RONDO_PROBES}>:RONDO_USDT>)
    target_include_directories(${target}
        PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE
            ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target}
        PRIVATE ${RONDO_THREADS} ${RONDO_SYSTEM_LIBRARIES})
    rondo_leave_out_of_all(${target} ${kind})
endforeach()
add_library(rondo::rondo ALIAS rondo_${RONDO_DEFAULT_KIND})

if("sim" IN_LIST RONDO_COMPONENTS
        OR (CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT RONDO_LIBRARY_ONLY))
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
