/* harness_group.h - groups of loops, and servers on them, for tests.
 * SPDX-License-Identifier: MIT
 *
 * w->loop is the home loop. What runs on the group's threads makes no
 * assertions: it counts what is wrong, and the test asserts that nothing was.
 */
#ifndef RONDO_TEST_HARNESS_GROUP_H
#define RONDO_TEST_HARNESS_GROUP_H

#include "harness.h"

#include <stdatomic.h>

enum { GROUP_LOOPS = 16 };

/* What a done was told. */
struct told {
    unsigned count;
    int64_t result;
    char sentence[256];
};
void told_done(rondo_loop *loop, void *arg, int64_t result); /* arg: a told */
/* Runs until it was told, once, that result. */
void told_is(struct world *w, const struct told *t, int64_t result);

struct crew {
    struct world *w;
    rondo_group *group; /* NULL: closed */
    struct told closed;
    unsigned ended; /* loops that were told to have ended */
    size_t ended_index;
    int ended_error;
    char ended_why[256];
};

/* Of the world's backend. */
struct crew *crew_new(struct world *w, unsigned loops);
rondo_group_options crew_options(struct world *w, struct crew *c,
                                 rondo_loop_options *loop);
/* Closes it, runs until that is told, and checks that it was 0. */
void crew_close(struct crew *c);
/* A server and its clients on the group's loops: an echo that checks on which
 * thread it is called. */
struct site {
    struct crew *crew;
    rondo_group_server *server; /* NULL: closed */
    uint16_t port;
    const char *path;
    struct told closed;
    atomic_uint made, lost, cut, wrong;
    atomic_uint on[GROUP_LOOPS]; /* connection_made, by loop */
    atomic_uint answer;          /* what the factory answers */
    atomic_bool silent;          /* does not echo */
};

struct site *site_new(struct crew *c, rondo_spread spread);
struct site *site_with(struct crew *c, rondo_spread spread,
                       const rondo_server_options *options);
/* The protocol_factory of its guests; arg is the site. */
int site_take(rondo_server *server, void *arg, rondo_transport *t,
              const rondo_protocol **protocol, void **self);
/* Closes it at once, and runs until that is told. */
void site_close(struct site *s);
/* A client of the site's, one of w->loop's. */
struct peer *site_connect(struct site *s);
/* It sends so much, and receives the same. */
void site_echoes(struct site *s, struct peer *p, size_t size);
/* One loop's end of a client. */
struct guest {
    struct site *site;
    rondo_transport *transport;
    rondo_loop *loop;   /* that it belongs to */
    const void *thread; /* its; NULL: to be noted by the next callback */
    uint64_t bytes;
};
/* A function of the site's that runs on a guest's thread, when it gets "!". */
typedef void (*guest_fn)(struct guest *g);
void site_on_call(guest_fn fn);
/* It may be in another loop from now on. */
void guest_moves(struct guest *g);
void guest_arrives(struct guest *g, rondo_loop *loop);
const void *group_this_thread(void);

#endif
