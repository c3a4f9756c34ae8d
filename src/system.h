/* system.h - the system that this is compiled for; included before all else. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYSTEM_H
#define RONDO_SYSTEM_H

#include "symbols.h"

/* The files of another system are empty, so a compiler can be given all of
 * src/ at once. */
#if defined(RONDO_SIMULATED) /* the build says so: the simulated one */
#define SYSTEM_SIM
#elif defined(_WIN32)
#define SYSTEM_WIN
#else
#define SYSTEM_UNIX
#endif
#ifndef SYSTEM_WIN /* its errno, sockaddr and threads are those of POSIX */
#define SYSTEM_POSIX
#endif

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)
#ifndef RONDO_KQUEUE /* the build may say so elsewhere */
#define RONDO_KQUEUE
#endif
#endif

/* Files of any size, also where a long has 32 bits. */
#if defined(SYSTEM_POSIX) && !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif

/* printf as C has it. */
#if defined(SYSTEM_WIN) && !defined(__USE_MINGW_ANSI_STDIO)
#define __USE_MINGW_ANSI_STDIO 1
#endif

/* C wants a declaration in each file, also in an empty one. */
struct rondo_loop;

#endif
