# The reference, from the comments of the public headers: man pages, by Python
# alone, and HTML (the target "html"), by Doxygen. Both are installed where they
# have been built.
# SPDX-License-Identifier: MIT

if(RONDO_TOP_LEVEL AND UNIX)
    set(RONDO_MAN_DEFAULT ON)
else()
    set(RONDO_MAN_DEFAULT OFF)
endif()
option(RONDO_BUILD_MAN "Write the man pages (needs Python 3)"
    ${RONDO_MAN_DEFAULT})
option(RONDO_WARN_DOCS "Warnings of Doxygen are errors" ON)

find_package(Python3 QUIET COMPONENTS Interpreter)
set(RONDO_MAN_DIR ${PROJECT_BINARY_DIR}/man)
set(RONDO_HTML_DIR ${PROJECT_BINARY_DIR}/html)
set(RONDO_PUBLIC_HEADERS
    include/rondo.h
    include/rondo_sim.h
    contrib/openssl/rondo_tls.h
    contrib/cares/rondo_cares.h
    contrib/curl/rondo_curl.h
    contrib/hiredis/rondo_hiredis.h
    contrib/postgres/rondo_pq.h
    contrib/glib/rondo_glib.h
    contrib/poll/rondo_poll.h
    contrib/top/rondo_top.h)
list(TRANSFORM RONDO_PUBLIC_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/)

if(RONDO_BUILD_MAN AND Python3_FOUND)
    file(GLOB RONDO_MAN_SOURCES CONFIGURE_DEPENDS
        ${PROJECT_SOURCE_DIR}/doc/man/*.1)
    add_custom_command(OUTPUT ${RONDO_MAN_DIR}/stamp
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${RONDO_MAN_DIR}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/man-pages
            ${RONDO_MAN_DIR} ${PROJECT_VERSION}
        COMMAND ${CMAKE_COMMAND} -E touch ${RONDO_MAN_DIR}/stamp
        DEPENDS ${RONDO_PUBLIC_HEADERS} ${RONDO_MAN_SOURCES}
            ${PROJECT_SOURCE_DIR}/tools/man-pages
            ${PROJECT_SOURCE_DIR}/tools/headers.py
        COMMENT "Writing the man pages"
        VERBATIM)
    add_custom_target(man ALL DEPENDS ${RONDO_MAN_DIR}/stamp)
endif()

find_program(RONDO_DOXYGEN doxygen)
mark_as_advanced(RONDO_DOXYGEN)
if(RONDO_DOXYGEN AND Python3_FOUND)
    string(REPLACE ";" "\" \\\n    \"" RONDO_HTML_INPUT
        "\"${RONDO_PUBLIC_HEADERS}\"")
    set(RONDO_HTML_FILTER ${PROJECT_SOURCE_DIR}/tools/doxygen-filter)
    set(RONDO_HTML_ERRORS NO)
    if(RONDO_WARN_DOCS)
        set(RONDO_HTML_ERRORS FAIL_ON_WARNINGS)
    endif()
    configure_file(doc/Doxyfile.in ${PROJECT_BINARY_DIR}/Doxyfile @ONLY)
    add_custom_command(OUTPUT ${RONDO_HTML_DIR}/stamp
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${RONDO_HTML_DIR}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${RONDO_HTML_DIR}
        COMMAND ${RONDO_DOXYGEN} ${PROJECT_BINARY_DIR}/Doxyfile
        COMMAND ${CMAKE_COMMAND} -E touch ${RONDO_HTML_DIR}/stamp
        DEPENDS ${RONDO_PUBLIC_HEADERS} ${PROJECT_BINARY_DIR}/Doxyfile
            ${PROJECT_SOURCE_DIR}/doc/reference.dox
            ${PROJECT_SOURCE_DIR}/tools/doxygen-filter
            ${PROJECT_SOURCE_DIR}/tools/headers.py
        COMMENT "Writing the reference in HTML"
        VERBATIM)
    add_custom_target(html DEPENDS ${RONDO_HTML_DIR}/stamp)
endif()

if(RONDO_INSTALL)
    install(DIRECTORY ${RONDO_MAN_DIR}/ DESTINATION ${CMAKE_INSTALL_MANDIR}
        COMPONENT documentation OPTIONAL
        PATTERN stamp EXCLUDE PATTERN man1 EXCLUDE)
    install(DIRECTORY ${RONDO_MAN_DIR}/man1/ # beside the programs
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
        COMPONENT tools OPTIONAL)
    install(DIRECTORY ${RONDO_HTML_DIR}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/html
        COMPONENT documentation OPTIONAL PATTERN stamp EXCLUDE)
endif()
