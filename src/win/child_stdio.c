/* child_stdio.c - pipes to children, and the null device: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <stdio.h>

enum { PIPE_BYTES = 65536 };

/* The name has the process, a count and the clock in it, so nobody else has it;
 * FILE_FLAG_FIRST_PIPE_INSTANCE refuses a name that exists. */
static void win_child_stdio_make_name(wchar_t *name, size_t room)
{
    static volatile LONG count;
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    (void)swprintf(name, room, L"\\\\.\\pipe\\rondo.%lu.%ld.%llx",
                   (unsigned long)GetCurrentProcessId(),
                   (long)InterlockedIncrement(&count),
                   (unsigned long long)now.QuadPart);
}

/* Our end is overlapped, for the port. One that we write to may read as well,
 * though nothing comes: a pending read tells that nobody reads any more. */
static HANDLE win_child_stdio_open_ours(const wchar_t *name, unsigned sides)
{
    DWORD access =
        sides == SIDE_READ ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_DUPLEX;
    return CreateNamedPipeW(
        name, access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, PIPE_BYTES, PIPE_BYTES,
        0, NULL);
}

static HANDLE win_child_stdio_open_theirs(const wchar_t *name, unsigned sides)
{
    DWORD access = sides == SIDE_READ ? GENERIC_WRITE | FILE_READ_ATTRIBUTES
                                      : GENERIC_READ | FILE_WRITE_ATTRIBUTES;
    return CreateFileW(name, access, 0, NULL, OPEN_EXISTING, 0, NULL);
}

int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs)
{
    wchar_t name[96];
    win_child_stdio_make_name(name, 96);
    HANDLE server = win_child_stdio_open_ours(name, sides);
    if (server == INVALID_HANDLE_VALUE)
        return error_from_os(GetLastError());
    HANDLE client = win_child_stdio_open_theirs(name, sides);
    if (client == INVALID_HANDLE_VALUE) {
        int error = error_from_os(GetLastError());
        (void)CloseHandle(server);
        return error;
    }
    *ours = (sys_fd)server;
    *theirs = (sys_fd)client;
    return 0;
}

int sys_null(sys_fd *fd)
{
    HANDLE handle = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
                                FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                OPEN_EXISTING, 0, NULL);
    *fd = handle == INVALID_HANDLE_VALUE ? SYS_NO_FD : (sys_fd)handle;
    return *fd == SYS_NO_FD ? error_from_os(GetLastError()) : 0;
}

void sys_child_close(sys_fd fd)
{
    if (fd != SYS_NO_FD)
        (void)CloseHandle((HANDLE)fd);
}
#endif
