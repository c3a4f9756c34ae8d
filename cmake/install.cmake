# Installs both libraries, the header, a CMake package and a pkg-config file.
# SPDX-License-Identifier: MIT

include(CMakePackageConfigHelpers)
set(RONDO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/rondo)

install(TARGETS rondo_static rondo_shared
    EXPORT rondo-targets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/rondo.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TARGET rondo_sim) # the component "sim"
    install(TARGETS rondo_sim
        EXPORT rondo-sim-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES include/rondo_sim.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT rondo-sim-targets
        NAMESPACE rondo::
        DESTINATION ${RONDO_CMAKE_DIR})
endif()

install(EXPORT rondo-targets
    NAMESPACE rondo::
    DESTINATION ${RONDO_CMAKE_DIR})
configure_package_config_file(
    cmake/rondo-config.cmake.in rondo-config.cmake
    INSTALL_DESTINATION ${RONDO_CMAKE_DIR})
# While the major version is 0 a new minor version may break programs.
write_basic_package_version_file(rondo-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/rondo-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/rondo-config-version.cmake
    DESTINATION ${RONDO_CMAKE_DIR})

# The .pc file finds its prefix from its own place, so that the installed
# tree can be moved (cmake --install --prefix, packages, DESTDIR).
file(RELATIVE_PATH RONDO_PC_TO_PREFIX
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(RONDO_PC_PRIVATE_LIBS ${CMAKE_THREAD_LIBS_INIT})
foreach(library IN LISTS RONDO_SYSTEM_LIBRARIES)
    string(APPEND RONDO_PC_PRIVATE_LIBS " -l${library}")
endforeach()
configure_file(cmake/rondo.pc.in rondo.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rondo.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET rondo_sim)
    configure_file(cmake/rondo-sim.pc.in rondo-sim.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rondo-sim.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
