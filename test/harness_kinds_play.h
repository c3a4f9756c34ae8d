/* harness_kinds_play.h - random calls on a transport, and what must come of
 * them.
 * SPDX-License-Identifier: MIT
 *
 *   RONDO_TEST_SEED  the one seed to be played, again and again
 */
#ifndef RONDO_TEST_HARNESS_KINDS_PLAY_H
#define RONDO_TEST_HARNESS_KINDS_PLAY_H

#include "harness_calls.h"
#include "harness_kinds.h"

enum { PLAY_FILE = 4 << 20, PLAY_FILTERS = 3 };

struct play;

/* A filter that passes bytes as they are, and is ready when it is told. */
struct play_filter {
    struct play *play;
    rondo_layer *layer; /* NULL: not started, or ready, or lost */
    unsigned lost;
};

struct play {
    struct taking taking; /* first: p->user */
    struct rig *r;
    uint64_t random;
    unsigned lent, released; /* write_owned, write_then, drain */
    unsigned thens, told;    /* of write_then: they are told in order */
    unsigned files, done;    /* sendfile: accepted, and told */
    int64_t file_from, file_size;
    rondo_id file_id; /* 0: none is under way */
    raw_fd file;
    unsigned passed, came; /* descriptors, to far; and the other way */
    unsigned fed, taken;
    struct play_filter filters[PLAY_FILTERS];
    unsigned pushed;
    /* Made in the next callback, instead of another call: the end. */
    void (*last)(rondo_transport *t);
    bool ending;
    bool hungry;    /* memory is short now and then */
    bool passes;    /* it can pass descriptors */
    bool filtering; /* filters are pushed; else descriptors come */
    bool eof;       /* write_eof was called */
    bool buffered;
    bool refused; /* all was given back the last time */
};

/* On a transport of that kind, with calls drawn from a seed; `file` has the
 * pattern's first PLAY_FILE bytes. NULL: there is no such kind here. */
struct play *play_new(struct world *w, enum kind_id id, unsigned seed,
                      raw_fd file);
unsigned play_draw(struct play *play, unsigned below);
/* Makes one call, or lets the loop run, while p has a transport. */
void play_one(struct play *play);

/* ---- its parts ----------------------------------------------------------- */

rondo_transport *play_transport(const struct play *play);
void play_released(void *arg); /* the play */
/* A call that writes was taken, or refused for a reason. */
bool play_is_taken(const struct play *play, int64_t result);
/* As rondo_transport_write_then. */
int play_write_then(struct play *play, const rondo_buffer pieces[2]);
void play_drain(struct play *play);
void play_try(struct play *play);
/* All filters that have not said so are ready. */
void play_be_ready(struct play *play);

#endif
