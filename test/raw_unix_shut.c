/* raw_unix_shut.c - ends the reading side of a socket. */
/* SPDX-License-Identifier: MIT */
#include "raw_shut.h"

#include <sys/socket.h>

#if defined(__linux__)
/* The library is that of a BSD then, whose recv says that nothing more comes,
 * and below it is Linux, which says so in another way. */
extern int kqueue(void) __attribute__((weak));
#endif

bool raw_shutdown_read(raw_fd fd)
{
#if defined(__linux__)
    if (kqueue)
        return false;
#endif
    return shutdown((int)fd, SHUT_RD) == 0;
}

static int buffer_of(raw_fd fd, int name)
{
    int bytes = -1;
    socklen_t size = sizeof bytes;

    (void)getsockopt((int)fd, SOL_SOCKET, name, &bytes, &size);
    return bytes;
}

bool raw_hears_own_groups_only(void)
{
    return true;
}

int raw_receive_buffer(raw_fd fd)
{
    return buffer_of(fd, SO_RCVBUF);
}

int raw_send_buffer(raw_fd fd)
{
    return buffer_of(fd, SO_SNDBUF);
}
