# Packages by CPack: an archive, for Debian, in RPM. ./dev package makes them;
# tools/check-packages tests them. RONDO_PACKAGE says which kind the install
# rules are for: the folders are not the same.
# SPDX-License-Identifier: MIT

set(RONDO_PACKAGER "Rondo maintainers <maintainers@rondo.invalid>" CACHE STRING
    "Who makes the packages")
if(NOT RONDO_TOP_LEVEL OR NOT RONDO_PACKAGE)
    return()
endif()

set(CPACK_PACKAGE_NAME rondo)
set(CPACK_PACKAGE_VENDOR "Rondo")
set(CPACK_PACKAGE_CONTACT ${RONDO_PACKAGER})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
# CPack's own default, which it does not put before each description
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "rondo built using CMake")

set(abi ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(abi_rpm ${PROJECT_VERSION_MAJOR}_${PROJECT_VERSION_MINOR})
set(about "Rondo is an event loop library for C: transports and protocols, servers,
timers, subprocesses, signals, jobs on threads, files and datagrams.
It runs on epoll, io_uring, poll or select.")

# rondo_package(COMPONENT DEB-NAME RPM-NAME SECTION SUMMARY WHAT)
macro(rondo_package component deb rpm section summary what)
    list(APPEND CPACK_COMPONENTS_ALL ${component})
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${about}\n\n${what}")
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${deb})
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
    # only this synopsis begins with a capital
    string(REGEX REPLACE "^event" "Event" capital "${summary}")
    set(CPACK_RPM_${upper}_PACKAGE_NAME ${rpm})
    set(CPACK_RPM_${upper}_PACKAGE_SUMMARY "${capital}")
    set(CPACK_RPM_${upper}_PACKAGE_DESCRIPTION "${about}\n\n${what}")
    if(RONDO_PACKAGE STREQUAL "deb")
        install(FILES
            ${PROJECT_BINARY_DIR}/package/copyright
            ${PROJECT_BINARY_DIR}/package/changelog.Debian.gz
            DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${deb}
            COMPONENT ${component})
    elseif(RONDO_PACKAGE STREQUAL "rpm")
        install(FILES LICENSE
            DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/${rpm}
            COMPONENT ${component})
    endif()
endmacro()

# rondo_after_install(COMPONENT COMMAND): a command of the shell, in the folder
# that the package is made of.
function(rondo_after_install component command)
    install(CODE "execute_process(
        COMMAND sh -c [==[${command}]==]
        WORKING_DIRECTORY \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}
        COMMAND_ERROR_IS_FATAL ANY)" COMPONENT ${component})
endfunction()

set(CPACK_COMPONENTS_ALL)
rondo_package(runtime librondo${abi} librondo${abi_rpm} libs
    "event loop library for C" "This package has the shared library.")
set(libraries librondo${abi})
set(rpm_libraries librondo${abi_rpm})
foreach(name IN LISTS RONDO_MADE_COMPONENTS)
    string(TOUPPER ${name} upper)
    rondo_package(runtime_${name}
        librondo-${name}${abi} librondo_${name}${abi_rpm} libs
        "event loop library for C: ${name}"
        "This package has the shared library of a component:\n${RONDO_${upper}_DESCRIPTION}.")
    list(APPEND libraries librondo-${name}${abi})
    list(APPEND rpm_libraries librondo_${name}${abi_rpm})
endforeach()
rondo_package(development librondo-dev rondo-devel libdevel
    "event loop library for C: files for development"
    "This package has the headers, the static libraries and the files for CMake\nand pkg-config.")
rondo_package(tools rondo-tools rondo-tools utils
    "event loop library for C: programs"
    "This package has rondo-info, which prints what each backend can do on\nthis system, and rondo-top, which shows the loops of a running program.")
rondo_package(documentation librondo-doc rondo-doc doc
    "event loop library for C: documents and examples"
    "This package has the documents and the examples.")

if(NOT RONDO_PACKAGE STREQUAL "rpm") # whose users debug with it
    rondo_after_install(development
        "strip --strip-debug --enable-deterministic-archives ${CMAKE_INSTALL_LIBDIR}/*.a")
endif()
foreach(component tools documentation) # man pages
    rondo_after_install(${component}
        "[ ! -d share/man ] || find share/man -type f ! -name '*.gz' -exec gzip -9n {} +")
endforeach()

# ---- the archive ----

if(RONDO_PACKAGE STREQUAL "tgz")
    set(CPACK_GENERATOR TGZ)
    set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
    string(TOLOWER ${CMAKE_SYSTEM_NAME} system)
    set(CPACK_PACKAGE_FILE_NAME
        rondo-${PROJECT_VERSION}-${system}-${CMAKE_SYSTEM_PROCESSOR})
endif()

# ---- Debian ----

if(RONDO_PACKAGE STREQUAL "deb")
    set(CPACK_GENERATOR DEB)
    set(CPACK_DEB_COMPONENT_INSTALL ON)
    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_DEBIAN_PACKAGE_RELEASE 0upstream1) # older than Debian's own 1
    set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
    set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
    set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
    set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

    set(version ${PROJECT_VERSION}-0upstream1)
    set(extra ${PROJECT_SOURCE_DIR}/cmake/package/triggers)
    set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${extra})
    foreach(name IN LISTS RONDO_MADE_COMPONENTS)
        string(TOUPPER ${name} upper)
        set(CPACK_DEBIAN_RUNTIME_${upper}_PACKAGE_DEPENDS
            "librondo${abi} (= ${version})")
        set(CPACK_DEBIAN_RUNTIME_${upper}_PACKAGE_CONTROL_EXTRA ${extra})
    endforeach()
    rondo_after_install(documentation "
        cd share/doc/librondo-doc && mv CHANGELOG.md changelog &&
        gzip -9n changelog")
    list(TRANSFORM libraries APPEND " (= ${version})")
    list(JOIN libraries ", " depends)
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${depends}, libc6-dev")
    if("tls" IN_LIST RONDO_MADE_COMPONENTS)
        string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libssl-dev")
    endif()
    if("cares" IN_LIST RONDO_MADE_COMPONENTS)
        string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libc-ares-dev")
    endif()
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS librondo-doc)
    set(CPACK_DEBIAN_DOCUMENTATION_PACKAGE_ARCHITECTURE all)
    set(CPACK_DEBIAN_DOCUMENTATION_PACKAGE_SHLIBDEPS OFF)
    set(CPACK_DEBIAN_DOCUMENTATION_PACKAGE_GENERATE_SHLIBS OFF)

    string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
    configure_file(cmake/package/copyright.in package/copyright @ONLY)
    configure_file(cmake/package/changelog.in package/changelog.Debian @ONLY)
    # -n: no time, the same bytes each time
    execute_process(
        COMMAND gzip -9nf ${PROJECT_BINARY_DIR}/package/changelog.Debian
        COMMAND_ERROR_IS_FATAL ANY)
endif()

# ---- RPM ----

if(RONDO_PACKAGE STREQUAL "rpm")
    set(CPACK_GENERATOR RPM)
    set(CPACK_RPM_COMPONENT_INSTALL ON)
    set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
    set(CPACK_RPM_PACKAGE_RELEASE 1)
    set(CPACK_RPM_PACKAGE_LICENSE MIT)
    set(CPACK_RPM_PACKAGE_GROUP "Development/Libraries/C and C++")
    set(CPACK_RPM_PACKAGE_AUTOREQPROV ON)
    set(CPACK_RPM_DOCUMENTATION_PACKAGE_ARCHITECTURE noarch)
    list(TRANSFORM rpm_libraries APPEND " = ${PROJECT_VERSION}")
    list(JOIN rpm_libraries ", " CPACK_RPM_DEVELOPMENT_PACKAGE_REQUIRES)
    set(CPACK_RPM_RUNTIME_POST_INSTALL_SCRIPT_FILE
        ${PROJECT_SOURCE_DIR}/cmake/package/ldconfig)
    set(CPACK_RPM_RUNTIME_POST_UNINSTALL_SCRIPT_FILE
        ${PROJECT_SOURCE_DIR}/cmake/package/ldconfig)
    foreach(name IN LISTS RONDO_MADE_COMPONENTS)
        string(TOUPPER ${name} upper)
        set(CPACK_RPM_RUNTIME_${upper}_PACKAGE_REQUIRES
            "librondo${abi_rpm} = ${PROJECT_VERSION}")
        foreach(when INSTALL UNINSTALL)
            set(CPACK_RPM_RUNTIME_${upper}_POST_${when}_SCRIPT_FILE
                ${PROJECT_SOURCE_DIR}/cmake/package/ldconfig)
        endforeach()
    endforeach()
    set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
        /usr /usr/bin /usr/include /usr/share /usr/share/doc
        /usr/share/licenses
        ${CMAKE_INSTALL_FULL_LIBDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/cmake
        ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig /usr/share/man /usr/share/man/man1
        /usr/share/man/man3 /usr/share/man/man7)
    # the same bytes each time; CPack has stripped what is to be stripped
    set(CPACK_RPM_SPEC_MORE_DEFINE
        "%define use_source_date_epoch_as_buildtime 1\n%define clamp_mtime_to_source_date_epoch 1\n%define _buildhost rondo.invalid\n%define packager ${RONDO_PACKAGER}\n%define _build_id_links none\n%define __os_install_post %{nil}")
endif()

include(CPack)
