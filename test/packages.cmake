# Tests of what is made of the sources for others, where their tools are. Read
# behind contrib, whose components are packaged.
# SPDX-License-Identifier: MIT

find_program(RONDO_RPMBUILD rpmbuild)
find_program(RONDO_DPKG_DEB dpkg-deb)
mark_as_advanced(RONDO_RPMBUILD RONDO_DPKG_DEB)
if(RONDO_RPMBUILD AND RONDO_DPKG_DEB AND TARGET rondo_tls
        AND TARGET rondo_cares)
    add_test(NAME packages
        COMMAND sh -ec "\"$0/tools/package\" \"$1\" tgz deb rpm && \
            exec \"$0/tools/check-packages\" \"$0\" \"$1\""
            ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/package)
    set_tests_properties(packages PROPERTIES
        TIMEOUT 1800 LABELS package)
endif()
