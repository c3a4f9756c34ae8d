# Finds c-ares as c-ares::cares. Used by contrib/cares, and installed for
# find_package(rondo COMPONENTS cares): some systems have c-ares without its own
# CMake package.
# SPDX-License-Identifier: MIT

if(NOT TARGET c-ares::cares)
    find_package(c-ares QUIET CONFIG)
endif()
if(NOT TARGET c-ares::cares)
    find_path(CARES_INCLUDE_DIR ares.h)
    find_library(CARES_LIBRARY cares)
    mark_as_advanced(CARES_INCLUDE_DIR CARES_LIBRARY)
    if(CARES_INCLUDE_DIR AND CARES_LIBRARY)
        add_library(c-ares::cares UNKNOWN IMPORTED)
        set_target_properties(c-ares::cares PROPERTIES
            IMPORTED_LOCATION "${CARES_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${CARES_INCLUDE_DIR}")
    endif()
endif()
