/* raw_unix_named.c - the pipes of raw_named.h: Unix has them not. */
/* SPDX-License-Identifier: MIT */
#include "raw_named.h"

raw_fd raw_named_serve(const char *name, unsigned most)
{
    (void)name;
    (void)most;
    return RONDO_NO_FD;
}

raw_fd raw_named_dial(const char *name)
{
    (void)name;
    return RONDO_NO_FD;
}

bool raw_named_is_busy(const char *name)
{
    (void)name;
    return false;
}

ptrdiff_t raw_named_recv(raw_fd fd, void *data, size_t size)
{
    (void)fd;
    (void)data;
    (void)size;
    return RAW_FAILED;
}

ptrdiff_t raw_named_send(raw_fd fd, const void *data, size_t size)
{
    (void)fd;
    (void)data;
    (void)size;
    return RAW_FAILED;
}

void raw_named_cut(raw_fd fd)
{
    raw_close(fd);
}
