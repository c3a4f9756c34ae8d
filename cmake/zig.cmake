# Cross-compiling with zig, which has headers and libcs of many systems.
# RONDO_ZIG_TARGET names one as zig does (aarch64-freebsd), RONDO_ZIG is the
# compiler, RONDO_CROSS_PREFIX where cmocka for that target is. What runs here,
# natively or in an emulator, is RONDO_CROSS_RUN's business.
# SPDX-License-Identifier: MIT
set(target $ENV{RONDO_ZIG_TARGET})
string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${target})
if(target MATCHES "macos")
    set(CMAKE_SYSTEM_NAME Darwin)
    set(CMAKE_INSTALL_NAME_TOOL /bin/true) # nothing is installed
elseif(target MATCHES "freebsd")
    set(CMAKE_SYSTEM_NAME FreeBSD)
elseif(target MATCHES "netbsd")
    set(CMAKE_SYSTEM_NAME NetBSD)
elseif(target MATCHES "openbsd")
    set(CMAKE_SYSTEM_NAME OpenBSD)
else()
    set(CMAKE_SYSTEM_NAME Linux)
endif()
# The oldest macOS that doc/platforms.md names; zig's own choice is newer. What
# a newer one alone has is an error then.
if(target STREQUAL "x86_64-macos")
    string(APPEND target ".10.12")
    set(CMAKE_C_FLAGS_INIT -Wunguarded-availability)
elseif(target STREQUAL "aarch64-macos")
    string(APPEND target ".11.0")
    set(CMAKE_C_FLAGS_INIT -Wunguarded-availability)
endif()
set(CMAKE_C_COMPILER $ENV{RONDO_ZIG} cc -target ${target})
set(CMAKE_AR $ENV{RONDO_ZIG})
set(CMAKE_RANLIB $ENV{RONDO_ZIG})
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> ranlib <TARGET>")
set(CMAKE_FIND_ROOT_PATH $ENV{RONDO_CROSS_PREFIX})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
if(NOT "$ENV{RONDO_CROSS_RUN}" STREQUAL "")
    set(CMAKE_CROSSCOMPILING_EMULATOR $ENV{RONDO_CROSS_RUN})
endif()
# zig turns the undefined behaviour sanitizer on by itself
string(APPEND CMAKE_C_FLAGS_INIT " -fno-sanitize=undefined")
# and links statically with musl, where the tests could not put their own
# functions in front of the C library's. What it takes for that library has no
# addresses of data, so none may be copied into a program.
if(target MATCHES "musl")
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    set(CMAKE_EXE_LINKER_FLAGS_INIT "-dynamic -pie")
endif()
