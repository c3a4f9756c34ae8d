/* raw_win_pipe.c - pipes for tests: Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_pipe.h"
#include "raw_win.h"

#include <stdio.h>

int raw_line_terminal(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

raw_fd raw_reopen(raw_fd fd, bool to_write)
{
    (void)fd;
    (void)to_write;
    return RONDO_NO_FD;
}

void raw_rewind(raw_fd file)
{
    (void)SetFilePointer(win_handle_of(file), 0, NULL, FILE_BEGIN);
}

raw_fd raw_sealed_file(void)
{
    return RONDO_NO_FD;
}

int raw_overlapped_pipe(raw_fd pair[2])
{
    static unsigned number;
    wchar_t name[64];
    HANDLE reader, writer;

    pair[0] = pair[1] = RONDO_NO_FD;
    (void)swprintf(name, 64, L"\\\\.\\pipe\\rondo-test-%lu-%u",
                   GetCurrentProcessId(), ++number);
    writer = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                              PIPE_TYPE_BYTE, 1, 65536, 65536, 0, NULL);
    if (writer == INVALID_HANDLE_VALUE)
        return -1;
    reader = CreateFileW(name, GENERIC_READ, 0, NULL, OPEN_EXISTING,
                         FILE_FLAG_OVERLAPPED, NULL);
    if (reader == INVALID_HANDLE_VALUE) {
        (void)CloseHandle(writer);
        return -1;
    }
    pair[0] = (raw_fd)reader;
    pair[1] = (raw_fd)writer;
    return 0;
}

bool raw_pipe_can_be_waited_for(void)
{
    return false;
}

raw_fd raw_replace_stdin(raw_fd fd)
{
    HANDLE before = GetStdHandle(STD_INPUT_HANDLE);

    if (!SetStdHandle(STD_INPUT_HANDLE, win_handle_of(fd)))
        return RONDO_NO_FD;
    return (raw_fd)before;
}

void raw_restore_stdin(raw_fd before)
{
    HANDLE now = GetStdHandle(STD_INPUT_HANDLE);

    (void)SetStdHandle(STD_INPUT_HANDLE, win_handle_of(before));
    (void)CloseHandle(now);
}

bool raw_sigpipe_hold(void)
{
    return false;
}

bool raw_sigpipe_release(void)
{
    return false;
}

bool raw_make_writes_signal(void)
{
    return false;
}

unsigned raw_take_from_pipes(size_t size)
{
    (void)size;
    return 0;
}
