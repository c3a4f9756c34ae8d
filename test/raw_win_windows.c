/* raw_win_windows.c - odd handles for tests: Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"
#include "raw_windows.h"

#include <stdio.h>
#include <string.h>

enum { MEBIBYTE = 1 << 20 };

int raw_message_pipe(raw_fd pair[2])
{
    static unsigned number;
    wchar_t name[64];
    HANDLE reader, writer;

    pair[0] = pair[1] = RONDO_NO_FD;
    (void)swprintf(name, 64, L"\\\\.\\pipe\\rondo-test-message-%lu-%u",
                   GetCurrentProcessId(), ++number);
    reader = CreateNamedPipeW(name, PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED,
                              PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1,
                              MEBIBYTE, MEBIBYTE, 0, NULL);
    if (reader == INVALID_HANDLE_VALUE)
        return -1;
    writer = CreateFileW(name, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (writer == INVALID_HANDLE_VALUE) {
        (void)CloseHandle(reader);
        return -1;
    }
    pair[0] = (raw_fd)reader;
    pair[1] = (raw_fd)writer;
    return 0;
}

raw_fd raw_overlapped_null(void)
{
    HANDLE handle = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, 0, NULL,
                                OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);

    return handle == INVALID_HANDLE_VALUE ? RONDO_NO_FD : (raw_fd)handle;
}

static OVERLAPPED own_read;
static char own_byte;

bool raw_begin_read(raw_fd fd)
{
    memset(&own_read, 0, sizeof own_read);
    own_read.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    return own_read.hEvent &&
           !ReadFile(win_handle_of(fd), &own_byte, 1, NULL, &own_read) &&
           GetLastError() == ERROR_IO_PENDING;
}

bool raw_end_read(raw_fd fd)
{
    bool pending = WaitForSingleObject(own_read.hEvent, 0) == WAIT_TIMEOUT;
    DWORD n = 0;

    (void)CancelIoEx(win_handle_of(fd), &own_read);
    (void)GetOverlappedResult(win_handle_of(fd), &own_read, &n, TRUE);
    (void)CloseHandle(own_read.hEvent);
    return pending;
}

raw_fd raw_reuse_number(raw_fd number)
{
    enum { TRIES = 256 };
    HANDLE made[TRIES];
    raw_fd found = RONDO_NO_FD;
    int count = 0;

    while (count < TRIES && found == RONDO_NO_FD) {
        made[count] = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!made[count])
            break;
        if ((raw_fd)made[count] == number)
            found = number;
        else
            count++;
    }
    while (count-- > 0)
        (void)CloseHandle(made[count]);
    return found;
}

bool raw_post_wake_ups(raw_fd port, unsigned count)
{
    while (count-- > 0)
        if (!PostQueuedCompletionStatus(win_handle_of(port), 0, 0, NULL))
            return false;
    return true;
}

/* Wine looks at the next byte. */
bool raw_tells_end_behind_bytes(void)
{
    return !win_is_wine();
}

bool raw_send_urgent(raw_fd fd)
{
    return send(win_socket_of(fd), "!", 1, MSG_OOB) == 1;
}
