/* route.h - the messages of a BSD's route socket, as far as they are used. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_ROUTE_H
#define RONDO_TEST_ROUTE_H

#include <stddef.h>
#include <sys/types.h>

enum { RTM_ADD = 1, RTM_NEWADDR = 0xc, RTM_DELADDR = 0xd, RTM_IFINFO = 0xe };

/* sim_route.c: a netlink socket, whose messages it translates. */
#undef unix_socket /* symbols.h names it */
#define unix_socket(family, type) sim_route_socket(family, type)
#define recv(...)                 sim_route_recv(__VA_ARGS__)
int sim_route_socket(int family, int type);
ssize_t sim_route_recv(int fd, void *data, size_t size, int flags);

#endif
