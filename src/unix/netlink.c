/* netlink.c - notices changes of network interfaces: Linux. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { NETLINK_ROOM = 8192, NETLINK_ROUNDS = 64 };

int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    (void)changed;
    (void)arg;
    *network = NULL;
    int made = unix_socket(AF_NETLINK, SOCK_RAW); /* NETLINK_ROUTE is 0 */
    if (made < 0)
        return unix_fail();
    if (bind(made, (const struct sockaddr *)&address, sizeof address) < 0) {
        int error = unix_fail();
        sys_close(made);
        return error;
    }
    *fd = made;
    return 0;
}

/* What the messages say is of no use: they may be lost (ENOBUFS), so the
 * interfaces themselves are looked at. What is left over makes the descriptor
 * ready again. */
bool sys_network_read(sys_fd fd)
{
    char room[NETLINK_ROOM];
    bool any = false;
    for (int i = 0; i < NETLINK_ROUNDS; i++) {
        if (recv(fd, room, sizeof room, 0) >= 0 || errno == ENOBUFS)
            any = true;
        else if (errno != EINTR)
            break;
    }
    return any;
}

void sys_network_close(sys_fd fd, struct sys_network *network)
{
    (void)network;
    sys_close(fd);
}
#endif
