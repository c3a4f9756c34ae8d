# Installs the libraries, the headers, a CMake package and pkg-config files.
# What is for running programs, for compiling them and for reading are parts of
# their own: the components runtime, development and documentation.
# SPDX-License-Identifier: MIT

include(CMakePackageConfigHelpers)
set(RONDO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/rondo)

# The targets of the kinds that are built; prefix: rondo, rondo_tls.
function(rondo_install_libraries prefix component export)
    set(targets)
    if(RONDO_BUILD_STATIC)
        list(APPEND targets ${prefix}_static)
    endif()
    if(RONDO_BUILD_SHARED)
        list(APPEND targets ${prefix}_shared)
    endif()
    install(TARGETS ${targets}
        EXPORT ${export}
        RUNTIME
            DESTINATION ${CMAKE_INSTALL_BINDIR}
            COMPONENT ${component}
        LIBRARY
            DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT ${component}
            NAMELINK_COMPONENT development
        ARCHIVE
            DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT ${export}
        NAMESPACE rondo::
        DESTINATION ${RONDO_CMAKE_DIR}
        COMPONENT development)
endfunction()

function(rondo_install_header)
    install(FILES ${ARGN}
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development)
endfunction()

rondo_install_libraries(rondo runtime rondo-targets)
rondo_install_header(include/rondo.h)

# ---- components ----

set(RONDO_COMPONENT_NAMES ${RONDO_MADE_COMPONENTS})
foreach(name IN LISTS RONDO_MADE_COMPONENTS)
    string(TOUPPER ${name} upper)
    rondo_install_libraries(rondo_${name} runtime_${name} rondo-${name}-targets)
    rondo_install_header(${RONDO_${upper}_HEADER})
endforeach()

if(TARGET rondo_sim)
    list(APPEND RONDO_COMPONENT_NAMES sim)
    install(TARGETS rondo_sim
        EXPORT rondo-sim-targets
        ARCHIVE
            DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT rondo-sim-targets
        NAMESPACE rondo::
        DESTINATION ${RONDO_CMAKE_DIR}
        COMPONENT development)
    rondo_install_header(include/rondo_sim.h)
endif()

# ---- the CMake package ----

configure_package_config_file(
    cmake/rondo-config.cmake.in rondo-config.cmake
    INSTALL_DESTINATION ${RONDO_CMAKE_DIR})
# While the major version is 0 a new minor version may break programs.
write_basic_package_version_file(rondo-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/rondo-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/rondo-config-version.cmake
    DESTINATION ${RONDO_CMAKE_DIR}
    COMPONENT development)
if("cares" IN_LIST RONDO_COMPONENT_NAMES)
    install(FILES cmake/rondo-find-cares.cmake
        DESTINATION ${RONDO_CMAKE_DIR}
        COMPONENT development)
endif()

# ---- pkg-config ----

# The .pc files find their prefix from their own place, so that the installed
# tree can be moved (cmake --install --prefix, packages, DESTDIR).
file(RELATIVE_PATH RONDO_PC_TO_PREFIX
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(RONDO_PC_PRIVATE_LIBS ${RONDO_THREAD_FLAGS})
foreach(library IN LISTS RONDO_SYSTEM_LIBRARIES)
    string(APPEND RONDO_PC_PRIVATE_LIBS " -l${library}")
endforeach()
# Where only the static library is installed, -lrondo needs what that needs.
if(NOT RONDO_BUILD_SHARED)
    set(RONDO_PC_LIBS " ${RONDO_PC_PRIVATE_LIBS}")
endif()

# rondo_install_pc(TEMPLATE NAME): cmake/TEMPLATE.pc.in becomes NAME.pc
function(rondo_install_pc template name)
    configure_file(cmake/${template}.pc.in ${name}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
endfunction()

rondo_install_pc(rondo rondo)
if(TARGET rondo_sim)
    rondo_install_pc(rondo-sim rondo-sim)
endif()
foreach(RONDO_PC_NAME IN LISTS RONDO_MADE_COMPONENTS)
    string(TOUPPER ${RONDO_PC_NAME} upper)
    set(RONDO_PC_DESCRIPTION "${RONDO_${upper}_DESCRIPTION}")
    set(RONDO_PC_REQUIRES "")
    set(RONDO_PC_REQUIRES_PRIVATE "${RONDO_${upper}_PC}")
    if(NOT RONDO_BUILD_SHARED)
        set(RONDO_PC_REQUIRES ", ${RONDO_${upper}_PC}")
    endif()
    rondo_install_pc(rondo-component rondo-${RONDO_PC_NAME})
endforeach()

# ---- programs ----

foreach(program rondo-info rondo-top)
    if(TARGET ${program})
        install(TARGETS ${program}
            DESTINATION ${CMAKE_INSTALL_BINDIR}
            COMPONENT tools)
    endif()
endforeach()

# ---- documents ----

# Where the links of README.md find them. Man pages and the reference in HTML
# come from cmake/docs.cmake, where they are made.
install(FILES README.md CHANGELOG.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT documentation)
install(DIRECTORY doc
    DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT documentation
    FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN "*.svg"
    PATTERN man EXCLUDE)
install(DIRECTORY examples
    DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT documentation)
if(NOT RONDO_PACKAGE MATCHES "deb|rpm") # they have places of their own for it
    install(FILES LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT runtime)
endif()
