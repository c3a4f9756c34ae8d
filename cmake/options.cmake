# Warnings, sanitizers and coverage, for everything in this directory and
# below, and for nothing of a project that embeds Rondo.
# SPDX-License-Identifier: MIT

if(NOT MSVC)
    add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion
        -Wstrict-prototypes)
    if(RONDO_WERROR)
        add_compile_options(-Werror)
    endif()
endif()

# Files of any size, also where a long has 32 bits.
if(UNIX AND CMAKE_SIZEOF_VOID_P EQUAL 4)
    add_compile_definitions(_FILE_OFFSET_BITS=64)
endif()

if(RONDO_SANITIZE)
    add_compile_options(-fsanitize=${RONDO_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${RONDO_SANITIZE})
endif()

if(RONDO_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

if(RONDO_COVERAGE)
    # threads count too
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()
