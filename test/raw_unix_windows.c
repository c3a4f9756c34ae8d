/* raw_unix_windows.c - raw_windows.h on Unix: nearly nothing. */
/* SPDX-License-Identifier: MIT */
#include "raw_windows.h"

#include <sys/socket.h>

int raw_message_pipe(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

raw_fd raw_overlapped_null(void)
{
    return RONDO_NO_FD;
}

bool raw_begin_read(raw_fd fd)
{
    (void)fd;
    return false;
}

bool raw_end_read(raw_fd fd)
{
    (void)fd;
    return false;
}

raw_fd raw_reuse_number(raw_fd number)
{
    (void)number;
    return RONDO_NO_FD;
}

bool raw_post_wake_ups(raw_fd port, unsigned count)
{
    (void)port;
    (void)count;
    return false;
}

bool raw_send_urgent(raw_fd fd)
{
    return send((int)fd, "!", 1, MSG_OOB) == 1;
}

bool raw_tells_end_behind_bytes(void)
{
    return true;
}

bool raw_fault(enum raw_fault which, unsigned times)
{
    (void)which;
    (void)times;
    return false;
}

unsigned raw_faults(void)
{
    return 0;
}
