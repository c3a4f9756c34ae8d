/* raw_win_named.c - pipes by name for tests: Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_named.h"
#include "raw_win.h"

enum { NAME_ROOM = 512, BUFFER_BYTES = 65536 };

static bool wide_name(const char *name, wchar_t *wide)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide,
                               NAME_ROOM) > 0;
}

raw_fd raw_named_serve(const char *name, unsigned most)
{
    wchar_t wide[NAME_ROOM];
    HANDLE handle;

    if (!wide_name(name, wide))
        return RONDO_NO_FD;
    handle = CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, most,
                              BUFFER_BYTES, BUFFER_BYTES, 0, NULL);
    return handle == INVALID_HANDLE_VALUE ? RONDO_NO_FD : (raw_fd)handle;
}

raw_fd raw_named_dial(const char *name)
{
    wchar_t wide[NAME_ROOM];
    HANDLE handle;

    if (!wide_name(name, wide))
        return RONDO_NO_FD;
    handle = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL,
                         OPEN_EXISTING, 0, NULL);
    return handle == INVALID_HANDLE_VALUE ? RONDO_NO_FD : (raw_fd)handle;
}

bool raw_named_is_busy(const char *name)
{
    wchar_t wide[NAME_ROOM];

    return wide_name(name, wide) && !WaitNamedPipeW(wide, 1) &&
           GetLastError() == ERROR_SEM_TIMEOUT;
}

static ptrdiff_t failure(void)
{
    switch (GetLastError()) {
    case ERROR_BROKEN_PIPE:
        return 0;
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_NO_DATA:
        return RAW_RESET;
    default:
        return RAW_FAILED;
    }
}

ptrdiff_t raw_named_recv(raw_fd fd, void *data, size_t size)
{
    DWORD there = 0, n = 0;

    if (!PeekNamedPipe(win_handle_of(fd), NULL, 0, NULL, &there, NULL))
        return failure();
    if (there == 0)
        return RAW_AGAIN;
    if (!ReadFile(win_handle_of(fd), data, (DWORD)size, &n, NULL))
        return failure();
    return (ptrdiff_t)n;
}

ptrdiff_t raw_named_send(raw_fd fd, const void *data, size_t size)
{
    DWORD n = 0;

    return WriteFile(win_handle_of(fd), data, (DWORD)size, &n, NULL)
               ? (ptrdiff_t)n
               : failure();
}

void raw_named_cut(raw_fd fd)
{
    (void)DisconnectNamedPipe(win_handle_of(fd));
    raw_close(fd);
}
