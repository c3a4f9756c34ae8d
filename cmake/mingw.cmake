# Cross-compiling for 64-bit Windows with mingw-w64, run under Wine.
# RONDO_MINGW=clang takes clang instead of gcc, RONDO_MINGW=i686 32 bits.
# SPDX-License-Identifier: MIT
set(CMAKE_SYSTEM_NAME Windows)
if("$ENV{RONDO_MINGW}" STREQUAL "i686")
    set(triple i686-w64-mingw32)
else()
    set(triple x86_64-w64-mingw32)
endif()
# the variant with POSIX threads where Debian has both
find_program(mingw_gcc NAMES ${triple}-gcc-posix ${triple}-gcc REQUIRED)
if("$ENV{RONDO_MINGW}" STREQUAL "clang")
    # its libraries are gcc's, in a folder that it may not know
    execute_process(COMMAND ${mingw_gcc} -print-libgcc-file-name
        OUTPUT_VARIABLE mingw_libgcc OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(mingw_libraries ${mingw_libgcc} DIRECTORY)
    set(mingw_link " -L${mingw_libraries}")
    set(CMAKE_C_COMPILER clang)
    set(CMAKE_C_COMPILER_TARGET ${triple})
else()
    set(mingw_link "")
    set(CMAKE_C_COMPILER ${mingw_gcc})
endif()
set(CMAKE_RC_COMPILER ${triple}-windres)
set(CMAKE_FIND_ROOT_PATH /usr/${triple} $ENV{RONDO_MINGW_PREFIX})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../tools/wine-run)
# printf as C has it, and nothing that Windows would have to be given
add_compile_definitions(__USE_MINGW_ANSI_STDIO=1)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static${mingw_link}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static${mingw_link}")
