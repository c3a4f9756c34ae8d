/* sim_route.c - the route socket and the interfaces of a BSD, by netlink. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_dl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#undef getifaddrs

int sim_route_socket(int family, int type);
ssize_t sim_route_recv(int fd, void *data, size_t size, int flags);

/* Routes, too, which a BSD's socket tells of all the time. */
int sim_route_socket(int family, int type)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups =
                                      RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                      RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE};
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 &&
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int before = errno;

        close(fd);
        errno = before;
        return -1;
    }
    return fd;
}

static unsigned char bsd_type(unsigned type)
{
    switch (type) {
    case RTM_NEWADDR:
        return 0xc;
    case RTM_DELADDR:
        return 0xd;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return 0xe;
    default:
        return 1; /* RTM_ADD of a BSD */
    }
}

/* The beginning of each message: two bytes of size, a version, the type. */
ssize_t sim_route_recv(int fd, void *data, size_t size, int flags)
{
    _Alignas(struct nlmsghdr) char room[8192];
    ssize_t got = recv(fd, room, sizeof room, flags);
    struct nlmsghdr head;
    unsigned char message[16] = {sizeof message, 0, 5};

    if (got < (ssize_t)sizeof head)
        return got;
    memcpy(&head, room, sizeof head);
    message[3] = bsd_type(head.nlmsg_type);
    memcpy(data, message, size < sizeof message ? size : sizeof message);
    return sizeof message;
}

static void make_link(struct sockaddr *address)
{
    struct sockaddr_ll link;
    struct sockaddr_dl made = {.sdl_len = sizeof made, .sdl_family = AF_LINK};

    memcpy(&link, address, sizeof link);
    made.sdl_index = (unsigned short)link.sll_ifindex;
    made.sdl_alen = link.sll_halen;
    memcpy(made.sdl_data, link.sll_addr, sizeof link.sll_addr);
    /* sa_family is a byte there, behind the length */
    memcpy(address, &made, sizeof made);
    address->sa_family = AF_LINK;
}

int sim_getifaddrs(struct ifaddrs **list)
{
    if (getifaddrs(list) < 0)
        return -1;
    for (struct ifaddrs *of = *list; of; of = of->ifa_next) {
        of->ifa_name[strcspn(of->ifa_name, ":")] = '\0';
        if (of->ifa_addr && of->ifa_addr->sa_family == AF_PACKET)
            make_link(of->ifa_addr);
    }
    return 0;
}
