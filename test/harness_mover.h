/* harness_mover.h - a connection that moves from loop 0 of a group to loop 1.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_MOVER_H
#define RONDO_TEST_HARNESS_MOVER_H

#include "harness_group.h"

/* A transport of a loop of the group, with a plain socket at its other end. */
struct mover {
    struct world *w;
    struct crew *crew;
    rondo_transport *t;
    raw_fd fd;
    atomic_int step;
    atomic_bool ok, gone;
    atomic_uint received, timeouts, released, done, made, paused, resumed;
    atomic_int result, error, told;
    atomic_bool in_old, in_new;
    const void *old_thread, *new_thread;
    void (*before)(struct mover *m); /* on the old thread, before the move */
    void (*after)(struct mover *m);  /* in done, on the new one */
    char out[1 << 18];
    char in[256];
    raw_fd file; /* that it sends, or has received */
    bool takes;  /* a descriptor, in data_received */
    bool buffered, moves_in_lend;
    atomic_bool lent;
    char room[8];
};

extern const rondo_protocol mover_protocol; /* self is the mover */

/* Made on loop 0, where `before` runs in connection_made. */
struct mover *mover_new(struct world *w, void (*before)(struct mover *m),
                        void (*after)(struct mover *m));
/* The same over a unix socket. */
struct mover *mover_local(struct world *w, void (*before)(struct mover *m),
                          void (*after)(struct mover *m));
/* From now on it lends a buffer: 8 bytes. */
void mover_lend(struct mover *m);
/* The other end closes; the connection must end, and the group. */
void mover_end(struct mover *m);
/* On the old thread: m->result is what rondo_group_move says. */
void mover_go(struct mover *m);
/* The other end sends "!", which makes it move, and waits for that. */
void mover_call(struct mover *m);
void mover_note_thread(struct mover *m);

#endif
