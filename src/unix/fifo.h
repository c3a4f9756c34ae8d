/* fifo.h - pipes and FIFOs that may become ready without an event. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_FIFO_H
#define RONDO_UNIX_FIFO_H

#include "core/backend.h"

/* Bits of io->registered, above the sides. */
enum {
    FIFO_ANY = 4,         /* a pipe or a FIFO */
    FIFO_NAMED = 8,       /* a FIFO: it has, or had, a path */
    FIFO_ONLY_WRITE = 16, /* a FIFO that is not open for reading */
    FIFO_NOT_WRITE = 32,  /* the kernel calls it writable when it is full */
    FIFO_LEFT = 64,       /* the reader had left when that was last asked */
    FIFO_LAST = FIFO_LEFT
};

/* The pipes and FIFOs of a poller: attached, and not detached yet. */
struct fifos {
    struct io **ios;
    unsigned count, room;
    int64_t next_ns; /* on the clock: writers are not asked before */
};

#ifdef __linux__ /* reports all of it */

static inline int fifo_attach(rondo_loop *loop, struct fifos *f, struct io *io)
{
    (void)loop;
    (void)f;
    (void)io;
    return 0;
}

static inline void fifo_detach(struct fifos *f, struct io *io)
{
    (void)f;
    (void)io;
}

static inline void fifo_close(rondo_loop *loop, struct fifos *f)
{
    (void)loop;
    (void)f;
}

static inline unsigned fifo_sides(const struct io *io, unsigned sides)
{
    (void)io;
    return sides;
}

static inline bool fifo_is_false_alarm(struct io *io)
{
    (void)io;
    return false;
}

static inline int64_t fifo_shorten(const struct fifos *f, int64_t timeout_ns)
{
    (void)f;
    return timeout_ns;
}

static inline void fifo_ask(rondo_loop *loop, struct fifos *f)
{
    (void)loop;
    (void)f;
}

#else

/* Adds it if it is one. RONDO_ENOMEM. */
int fifo_attach(rondo_loop *loop, struct fifos *f, struct io *io);
void fifo_detach(struct fifos *f, struct io *io);
void fifo_close(rondo_loop *loop, struct fifos *f);
/* Those of the sides for which the kernel may be asked. */
unsigned fifo_sides(const struct io *io, unsigned sides);
/* The kernel calls it writable. True: it is not, and fifo_sides leaves that
 * side out from now on. */
bool fifo_is_false_alarm(struct io *io);
/* How long a wait may take: not so long if fifo_ask has something to ask. */
int64_t fifo_shorten(const struct fifos *f, int64_t timeout_ns);
/* After a wait: asks about each that somebody waits for, and that may be ready
 * without an event. Calls reactor_ready for those that are. */
void fifo_ask(rondo_loop *loop, struct fifos *f);

#endif

#endif
