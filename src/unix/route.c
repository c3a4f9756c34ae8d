/* route.c - notices changes of network interfaces: macOS, the BSDs, others. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#if defined(SYSTEM_UNIX) && !defined(__linux__)
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>

#ifdef RONDO_KQUEUE
#include <sys/types.h>

#include <net/if.h>
#include <net/route.h>
#include <string.h>
#include <sys/socket.h>

enum { ROUTE_ROOM = 2048, ROUTE_ROUNDS = 64 };

/* One socket tells of all families. */
int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    (void)changed;
    (void)arg;
    *network = NULL;
    *fd = unix_socket(PF_ROUTE, SOCK_RAW);
    return *fd < 0 ? unix_fail() : 0;
}

/* All messages begin with their size in two bytes, a version and a type. Those
 * of routes are many. */
static bool route_is_about_interfaces(const unsigned char *message, size_t size)
{
    int type = size > 3 ? message[3] : RTM_IFINFO;
#ifdef RTM_IFANNOUNCE
    if (type == RTM_IFANNOUNCE)
        return true;
#endif
    return type == RTM_IFINFO || type == RTM_NEWADDR || type == RTM_DELADDR;
}

/* A message that was lost may have been any. */
bool sys_network_read(sys_fd fd)
{
    unsigned char room[ROUTE_ROOM];
    bool any = false;
    for (int i = 0; i < ROUTE_ROUNDS; i++) {
        ssize_t size = recv(fd, room, sizeof room, 0);
        if (size >= 0)
            any = route_is_about_interfaces(room, (size_t)size) || any;
        else if (errno == ENOBUFS)
            any = true;
        else if (errno != EINTR)
            break;
    }
    return any;
}

#else

int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    (void)changed;
    (void)arg;
    *fd = SYS_NO_FD;
    *network = NULL;
    error_no_os();
    return RONDO_ENOTSUP;
}

bool sys_network_read(sys_fd fd)
{
    (void)fd;
    return false;
}

#endif

void sys_network_close(sys_fd fd, struct sys_network *network)
{
    (void)network;
    sys_close(fd);
}
#endif
