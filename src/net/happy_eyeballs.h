/* happy_eyeballs.h - one connection out of several addresses (RFC 8305). */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_HAPPY_EYEBALLS_H
#define RONDO_NET_HAPPY_EYEBALLS_H

#include "core/backoff.h"
#include "stream/stream.h"

struct attempt {
    struct op op;
    struct happy_eyeballs *race;
    rondo_transport *t; /* NULL: not begun, or over */
    struct backoff backoff;
    rondo_address address;
};

struct happy_eyeballs {
    /* set by whoever has it */
    rondo_loop *loop;
    rondo_family family; /* only these */
    rondo_address local;
    bool has_local, no_delay, keep_alive;
    int64_t delay_ns; /* from one beginning to the next; < 0: to its failure */
    /* From the loop, once: a connected transport, or NULL and the error. */
    void (*over)(struct happy_eyeballs *race, rondo_transport *t, int error);

    /* the race's own */
    struct attempt *attempts;
    size_t count, next, running;
    rondo_transport *winner;
    rondo_id timer;
    int stopped;
    int error; /* the last address's */
    int64_t os_error;
    char tried[1792]; /* each address and why it failed */
};

/* Takes over those that suit, the families in turn after the first `lead` of
 * the first one; lead < 0: in their order. 0 or RONDO_ENOMEM. */
int happy_eyeballs_set(struct happy_eyeballs *race,
                       const rondo_address *addresses, size_t count, int lead);
/* From the loop; it may be over before this returns. */
void happy_eyeballs_start(struct happy_eyeballs *race);
/* Of one that runs: over comes later, with that error. */
void happy_eyeballs_stop(struct happy_eyeballs *race, int error);
/* It does not run any more, or never did. */
void happy_eyeballs_free(struct happy_eyeballs *race);
/* A socket of one that runs, or SYS_NO_FD. */
sys_fd happy_eyeballs_fd(const struct happy_eyeballs *race);
/* Options that every connection gets. */
void happy_eyeballs_set_options(const struct happy_eyeballs *race, sys_fd fd);

#endif
