/* raw_win_shut.c - ends the reading side of a socket. */
/* SPDX-License-Identifier: MIT */
#include "raw_shut.h"
#include "raw_win.h"

/* Wine goes on receiving, and ends no wait. */
bool raw_shutdown_read(raw_fd fd)
{
    return !win_is_wine() && shutdown((SOCKET)fd, SD_RECEIVE) == 0;
}

/* Wine's sockets are those of Linux, without IP_MULTICAST_ALL. */
bool raw_hears_own_groups_only(void)
{
    return !win_is_wine();
}

static int buffer_of(raw_fd fd, int name)
{
    int bytes = -1;
    int size = sizeof bytes;

    (void)getsockopt((SOCKET)fd, SOL_SOCKET, name, (char *)&bytes, &size);
    return bytes;
}

int raw_receive_buffer(raw_fd fd)
{
    return buffer_of(fd, SO_RCVBUF);
}

int raw_send_buffer(raw_fd fd)
{
    return buffer_of(fd, SO_SNDBUF);
}
