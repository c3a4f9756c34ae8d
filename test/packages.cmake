# Tests of what is made of the sources for others, where their tools are. Read
# behind contrib, whose components are packaged.
# SPDX-License-Identifier: MIT

# `./dev package` and `./dev release` run the long ones.
option(RONDO_TEST_PACKAGES "Make and check packages and a release in ctest" OFF)

find_program(RONDO_RPMBUILD rpmbuild)
find_program(RONDO_DPKG_DEB dpkg-deb)
mark_as_advanced(RONDO_RPMBUILD RONDO_DPKG_DEB)
if(RONDO_TEST_PACKAGES AND RONDO_RPMBUILD AND RONDO_DPKG_DEB
        AND TARGET rondo_tls AND TARGET rondo_cares)
    add_test(NAME packages
        COMMAND sh -ec "\"$0/tools/package\" \"$1\" tgz deb rpm && \
            exec \"$0/tools/check-packages\" \"$0\" \"$1\""
            ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/package)
    set_tests_properties(packages PROPERTIES
        TIMEOUT 1800 LABELS package)
endif()

if(RONDO_TEST_PACKAGES)
    add_test(NAME release
        COMMAND ${PROJECT_SOURCE_DIR}/tools/check-release ${PROJECT_SOURCE_DIR})
    set_tests_properties(release PROPERTIES
        TIMEOUT 1800 LABELS package SKIP_RETURN_CODE 77)
endif()

find_program(RONDO_MESON meson)
mark_as_advanced(RONDO_MESON)
if(RONDO_MESON AND TARGET rondo_tls AND TARGET rondo_cares)
    add_test(NAME meson
        COMMAND ${PROJECT_SOURCE_DIR}/tools/check-meson ${PROJECT_SOURCE_DIR})
    set_tests_properties(meson PROPERTIES
        TIMEOUT 1800 LABELS package SKIP_RETURN_CODE 77)
endif()

if(RONDO_BUILD_EXAMPLES)
    add_test(NAME examples_alone
        COMMAND ${PROJECT_SOURCE_DIR}/tools/check-examples
            ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_COMMAND})
    set_tests_properties(examples_alone PROPERTIES
        TIMEOUT 1800 LABELS "package;example" SKIP_RETURN_CODE 77)
endif()

# ---- one file ----

# rondo.c compiles without a warning, and these tests run with it in place of
# the library.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(Python3_FOUND AND TARGET rondo_harness)
    set(folder ${PROJECT_BINARY_DIR}/amalgam)
    add_custom_command(OUTPUT ${folder}/rondo.c
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/amalgamate
            ${folder}
        DEPENDS ${RONDO_SOURCES} ${PROJECT_SOURCE_DIR}/tools/amalgamate
            ${PROJECT_SOURCE_DIR}/include/rondo.h
        COMMENT "Writing rondo.c"
        VERBATIM)
    add_library(rondo_amalgam STATIC ${folder}/rondo.c)
    set_target_properties(rondo_amalgam PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
    target_compile_options(rondo_amalgam PRIVATE -Werror)
    target_include_directories(rondo_amalgam PUBLIC ${folder})
    target_link_libraries(rondo_amalgam PUBLIC ${RONDO_THREADS}
        ${RONDO_SYSTEM_LIBRARIES})
    foreach(subject address communicate connect datagram executor file_walk
            filter group path process reader sendfile server signals stream
            timers watchers)
        add_executable(one_${subject} test/test_${subject}.c)
        target_link_libraries(one_${subject}
            PRIVATE rondo_harness rondo_amalgam)
        rondo_add_tests(one_${subject} one_${subject})
    endforeach()
endif()
