# What stands on the library and another one: find_package(rondo COMPONENTS).
# SPDX-License-Identifier: MIT

set(RONDO_MADE_COMPONENTS "" CACHE INTERNAL "What is installed of contrib")

# rondo_component_missing(NAME TEXT): left out, or an error where it was asked
# for.
function(rondo_component_missing name text)
    if(name IN_LIST RONDO_COMPONENTS)
        message(FATAL_ERROR "RONDO_COMPONENTS has ${name}: ${text}")
    endif()
    message(STATUS "rondo: ${text}; the component ${name} is left out")
endfunction()

# rondo_component(NAME SOURCES source... LIBRARIES library... [PC package...]
#                 [DESCRIPTION text])
# Makes rondo_NAME_static and rondo_NAME_shared of this folder, which link with
# the library of their kind; rondo::NAME is one of them, as rondo::rondo is.
# rondo_NAME, the static one, is for what belongs to this project. The folder
# has rondo_NAME.h. PC: the packages by which pkg-config finds the libraries.
function(rondo_component name)
    cmake_parse_arguments(PARSE_ARGV 1 the "" "DESCRIPTION"
        "SOURCES;LIBRARIES;PC")
    string(TOUPPER ${name} upper)
    add_library(rondo_${name}_static STATIC ${the_SOURCES})
    add_library(rondo_${name}_shared SHARED ${the_SOURCES})
    set_target_properties(rondo_${name}_shared PROPERTIES
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
        EXPORT_COMPILE_COMMANDS OFF) # the same files as the static library's
    target_compile_definitions(rondo_${name}_shared
        PUBLIC RONDO_${upper}_SHARED)
    foreach(kind static shared)
        set(target rondo_${name}_${kind})
        add_library(rondo::${name}_${kind} ALIAS ${target})
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME rondo_${name}
            EXPORT_NAME ${name}_${kind}
            C_VISIBILITY_PRESET hidden)
        target_compile_definitions(${target} PRIVATE RONDO_${upper}_BUILDING)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>)
        target_link_libraries(${target}
            PUBLIC rondo_${kind} ${the_LIBRARIES})
        rondo_leave_out_of_all(${target} ${kind})
    endforeach()
    add_library(rondo_${name} ALIAS rondo_${name}_static)
    add_library(rondo::${name} ALIAS rondo_${name}_${RONDO_DEFAULT_KIND})

    set(RONDO_MADE_COMPONENTS ${RONDO_MADE_COMPONENTS} ${name}
        CACHE INTERNAL "")
    foreach(what PC DESCRIPTION)
        set(RONDO_${upper}_${what} "${the_${what}}" CACHE INTERNAL "")
    endforeach()
    set(RONDO_${upper}_HEADER ${CMAKE_CURRENT_SOURCE_DIR}/rondo_${name}.h
        CACHE INTERNAL "")
endfunction()
