/* load.h - what the clients have in common: where to, how long to wait. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "options.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Seconds without any answer after which a client gives up. How long all of it
 * takes does not matter: that follows from what is asked for. */
extern long load_patience;
#define LOAD_PATIENCE "[--patience SECONDS]"
#define LOAD_PATIENCE_OPTION                                                   \
    {                                                                          \
        .name = "--patience", .number = &load_patience, .least = 1,            \
        .most = 100000                                                         \
    }

struct load_address {
    struct sockaddr_storage address;
    socklen_t size;
};

/* "127.0.0.1:PORT", or "@NAME" of an abstract unix socket; false: neither. */
bool load_parse(const char *text, struct load_address *address);

/* A connected blocking socket, whose reads wait no longer than the patience.
 * It exits when there is none. */
int load_connect(const struct load_address *address);

/* epoll_wait; it exits when nothing comes in time. */
int load_wait(int epoll, struct epoll_event *events, int most);

/* Says what failed and exits: a figure of a run with a wrong or a lost answer
 * is worth nothing. errno 0: the answer was not as expected. */
_Noreturn void load_die(const char *what);

#endif
