# For an overlay of ports: fill in where the archive of the release is, and its
# SHA512. Of what CMake's options are, doc/using.md has the table.
# SPDX-License-Identifier: MIT
vcpkg_download_distfile(ARCHIVE
    URLS "https://rondo.invalid/rondo-${VERSION}.tar.gz"
    FILENAME "rondo-${VERSION}.tar.gz"
    SHA512 0)
vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "${ARCHIVE}")

set(components)
foreach(feature IN ITEMS tls cares)
    if(feature IN_LIST FEATURES)
        list(APPEND components ${feature})
    endif()
endforeach()
# BUILD_SHARED_LIBS comes from the triplet: one kind of library alone
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DRONDO_LIBRARY_ONLY=ON
        -DRONDO_BUILD_TOOLS=OFF
        "-DRONDO_COMPONENTS=${components}")
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/rondo)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/share/doc")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
