/* named.c - pipes by name, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <wchar.h>

#ifndef PIPE_REJECT_REMOTE_CLIENTS
#define PIPE_REJECT_REMOTE_CLIENTS 0x00000008
#endif

enum {
    NAME_MOST = 256,     /* characters of a whole name */
    BUFFER_BYTES = 65536 /* in each direction */
};

bool sys_is_pipe_name(const char *path)
{
    static const char prefix[] = "\\\\.\\pipe\\";
    size_t i = 0;
    for (; prefix[i]; i++) {
        char c = path[i] == '/' ? '\\' : path[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 'a' - 'A');
        if (c != prefix[i] && !(i == 2 && c == '?'))
            return false;
    }
    return true;
}

static int win_named_wide_name(const char *name, wchar_t wide[NAME_MOST + 1])
{
    int error = win_wide(name, wide, NAME_MOST + 1);
    for (wchar_t *c = wide; !error && *c; c++)
        if (*c == L'/')
            *c = L'\\';
    return error;
}

int sys_pipe_check(const char *name)
{
    wchar_t wide[NAME_MOST + 1];
    int error = win_wide(name, wide, NAME_MOST + 1);
    if (!error && !name[sizeof "\\\\.\\pipe\\" - 1]) {
        error_no_os();
        error = RONDO_EINVAL; /* the folder of all pipes */
    }
    return error;
}

int sys_pipe_connect(const char *name, sys_fd *fd)
{
    wchar_t wide[NAME_MOST + 1];
    int error = win_named_wide_name(name, wide);
    *fd = SYS_NO_FD;
    if (error)
        return error;
    /* SECURITY_IDENTIFICATION: the server may ask who its client is, and
     * cannot act in the client's name */
    HANDLE handle = CreateFileW(
        wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
        FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
        NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return error_from_os(GetLastError());
    *fd = (sys_fd)handle;
    return 0;
}

/* FILE_FLAG_FIRST_PIPE_INSTANCE refuses a second server with
 * ERROR_ACCESS_DENIED. Wine ignores it and lets the second server in, so
 * WaitNamedPipe is asked first whether somebody serves the name. */
static bool win_named_is_served(const wchar_t *wide)
{
    return WaitNamedPipeW(wide, 1) || GetLastError() == ERROR_SEM_TIMEOUT;
}

int sys_pipe_listen(const char *name, bool first, sys_fd *fd)
{
    wchar_t wide[NAME_MOST + 1];
    int error = win_named_wide_name(name, wide);
    *fd = SYS_NO_FD;
    if (error)
        return error;
    if (first && win_named_is_served(wide))
        return error_from_os(WSAEADDRINUSE);
    DWORD flag = first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
    HANDLE handle = CreateNamedPipeW(
        wide, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flag,
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
        PIPE_UNLIMITED_INSTANCES, BUFFER_BYTES, BUFFER_BYTES, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        DWORD os_error = GetLastError();
        error = error_from_os(os_error);
        return first && os_error == ERROR_ACCESS_DENIED ? RONDO_EADDRINUSE
                                                        : error;
    }
    *fd = (sys_fd)handle;
    return 0;
}

void sys_pipe_discard(sys_fd fd)
{
    (void)CloseHandle((HANDLE)fd);
}

/* The client's calls then fail with ERROR_PIPE_NOT_CONNECTED. After a close
 * they would fail with ERROR_BROKEN_PIPE, which is an end. */
void sys_pipe_cut(sys_fd fd)
{
    (void)DisconnectNamedPipe((HANDLE)fd);
}
#endif
