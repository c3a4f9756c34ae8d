/* raw_win.h - what the Windows parts of raw.h and raw_net.h share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_RAW_WIN_H
#define RONDO_TEST_RAW_WIN_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include "raw_net.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

/* Wine differs from Windows here and there; it does not hide. */
bool win_is_wine(void);
/* Before anything else of winsock. */
void win_begin(void);

static inline SOCKET win_socket_of(raw_fd fd)
{
    return (SOCKET)fd;
}

static inline HANDLE win_handle_of(raw_fd fd)
{
    return (HANDLE)fd;
}

struct sockaddr_in win_loopback(uint16_t port);
/* A socket of that family and type that children do not inherit. */
raw_fd win_new_socket(int family, int type);
bool win_is_socket(raw_fd fd);
/* One open handle with a low number, for raw_move_fd: an event. */
void win_keep_spare(void);
HANDLE win_spare(void);
/* Ready to be read (or accepted from), else to be written, or failed. */
bool win_wait_for(raw_fd fd, bool reading, int timeout_ms);

/*
 * Replacing a function of a DLL: calls go through the pointer __imp_name, which
 * the linker takes from the import library only when nobody else defines it.
 * So do replace_win_*.c, for the test executables that ask for it, and reach
 * the real function by its name.
 */
#if defined(__i386__)
#define WIN_IMPORT(name, bytes) "__imp__" #name "@" #bytes
#else
#define WIN_IMPORT(name, bytes) "__imp_" #name
#endif
typedef void (*win_function)(void);
/* Ends the test executable when there is none of that name. */
win_function win_real(const wchar_t *library, const char *name);

#endif
