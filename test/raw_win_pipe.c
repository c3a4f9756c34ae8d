/* raw_win_pipe.c - pipes for tests: Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_pipe.h"
#include "raw_win.h"

int raw_local_pair(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

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
