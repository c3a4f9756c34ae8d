/* happy_eyeballs.h - one connection out of several addresses (RFC 8305). */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_HAPPY_EYEBALLS_H
#define RONDO_NET_HAPPY_EYEBALLS_H

#include "core/backoff.h"
#include "stream/stream.h"

/* The connect to one address. */
struct attempt {
    struct op op; /* first: its task is the attempt's */
    struct happy_eyeballs *race;
    rondo_transport *t; /* NULL: not begun, or ended */
    struct backoff backoff;
    rondo_address address;
};

struct happy_eyeballs {
    /* set by the owner, before happy_eyeballs_set */
    rondo_loop *loop;
    rondo_family family; /* only these */
    rondo_address local;
    bool has_local, no_delay, keep_alive;
    int64_t delay_ns; /* until the next attempt begins; < 0: until one fails */
    /* Called from the loop, once: a connected transport, which is the owner's
     * then, or NULL and the error. The race may be freed there. */
    void (*over)(struct happy_eyeballs *race, rondo_transport *t, int error);

    /* the race's own */
    struct attempt *attempts;
    size_t count, next,
        running; /* attempts: in all, next to begin, under way */
    rondo_transport *winner;
    rondo_id timer;
    int stopped;
    int error; /* the last address's */
    int64_t os_error;
    char tried[1792]; /* each address and why it failed */
};

/* Copies the addresses that suit: `lead` of the first address's family, then
 * both families in turn. lead < 0 keeps their order. 0, or RONDO_ENOMEM. */
int happy_eyeballs_set(struct happy_eyeballs *race,
                       const rondo_address *addresses, size_t count, int lead);
/* To be called from the loop. `over` may be called before this returns. */
void happy_eyeballs_start(struct happy_eyeballs *race);
/* Ends a race that runs: `over` is called later with that error, from the
 * loop. */
void happy_eyeballs_stop(struct happy_eyeballs *race, int error);
/* To be called when the race does not run. */
void happy_eyeballs_free(struct happy_eyeballs *race);
/* The socket of an attempt under way, or SYS_NO_FD. */
sys_fd happy_eyeballs_fd(const struct happy_eyeballs *race);
/* Sets the options that every connection gets. */
void happy_eyeballs_set_options(const struct happy_eyeballs *race, sys_fd fd);

#endif
