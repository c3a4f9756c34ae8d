/* raw_win_file.c - raw_file.h, for Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_file.h"
#include "raw_win.h"

bool raw_file_resize(raw_fd file, int64_t size)
{
    LARGE_INTEGER to = {.QuadPart = size}, zero = {.QuadPart = 0}, was;
    HANDLE handle = win_handle_of(file);

    return SetFilePointerEx(handle, zero, &was, FILE_CURRENT) &&
           SetFilePointerEx(handle, to, NULL, FILE_BEGIN) &&
           SetEndOfFile(handle) &&
           SetFilePointerEx(handle, was, NULL, FILE_BEGIN);
}

int64_t raw_file_position(raw_fd file)
{
    LARGE_INTEGER zero = {.QuadPart = 0}, at;

    return SetFilePointerEx(win_handle_of(file), zero, &at, FILE_CURRENT)
               ? at.QuadPart
               : -1;
}

bool raw_sendfile_hears_resets(void)
{
    return !win_is_wine();
}

raw_fd raw_file_write_only(void)
{
    return RONDO_NO_FD;
}

raw_fd raw_file_not_sent(void)
{
    return RONDO_NO_FD;
}

/* The port's own call, or none: nothing that would be refused. */
bool raw_sendfile_fails(enum raw_sendfile_failure how, unsigned after,
                        unsigned times)
{
    (void)how;
    (void)after;
    (void)times;
    return false;
}

unsigned raw_sendfile_failed(void)
{
    return 0;
}

bool raw_sigpipe_ignore(bool ignore)
{
    (void)ignore;
    return false;
}
