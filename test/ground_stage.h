/* ground_stage.h - a stage on which every act is tried in every callback.
 * SPDX-License-Identifier: MIT
 *
 * A stage has a server, a client that sends it more than the kernel takes,
 * owned data, a refused connect, timers, watchers and posts. One act is tried
 * in one place: the first time that callback runs. Whatever it does, all that
 * was made is lost once, and the loop comes to rest.
 */
#ifndef RONDO_TEST_GROUND_STAGE_H
#define RONDO_TEST_GROUND_STAGE_H

#include "harness.h"

enum place {
    MADE,
    DATA,
    GET_BUFFER,
    UPDATED,
    PEER_EOF,
    PAUSE,
    RESUME,
    LOST,
    TIMEOUT,
    CONNECTED,
    REFUSED,
    FACTORY,
    CLOSED,
    RELEASE,
    SOON,
    TIMER,
    POST,
    READER,
    WRITER,
    EXCEPTION
};

struct stage;
typedef void act_fn(struct stage *s, struct peer *self);

struct stage {
    struct world *w;
    const rondo_protocol *protocol; /* of both sides */
    enum place place;
    act_fn *act;
    bool done;
    struct listener *l;
    struct peer *a, *b, *x; /* client, server's side, refused */
    struct peer *successor; /* of whom set_protocol replaced */
    rondo_id connecting, refused, timer, soon;
    raw_fd watched[2];
    unsigned released, owned;
};

/* makes a stage and plays it, with that act in that place; the protocol is
 * recorder or buffered_recorder */
void stage_play(struct world *w, const rondo_protocol *protocol,
                enum place place, act_fn *act);
/* NULL, which is harmless everywhere, when there is none */
rondo_transport *stage_transport(struct peer *p);
/* the other side of the connection */
struct peer *stage_other(struct stage *s, struct peer *self);
/* one that may take over from self by set_protocol */
struct peer *stage_successor(struct stage *s, struct peer *self);
void stage_remove_watchers(struct stage *s);

#endif
