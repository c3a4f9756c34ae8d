/* buf.h - the write queue: bytes that wait, copied or lent. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BUF_H
#define RONDO_CORE_BUF_H

#include "core/loop.h"

/* Bytes in a chunk never move: one chunk may be on its way through the kernel
 * while another is being filled. */
struct chunk {
    struct chunk *next;
    const char *data; /* what is unsent */
    size_t size;
    size_t room;                /* bytes that may still be put behind data */
    void (*release)(void *arg); /* lent bytes; NULL: copied behind this */
    void *arg;
};

struct buf {
    struct chunk *first, **last;
    struct chunk *spent; /* lent bytes that may be given back */
    size_t size;
};

enum { BUF_GATHER = 64, BUF_HIGH = 65536, BUF_LOW = BUF_HIGH / 4 };

void buf_init(struct buf *buf);
/* Copies to the end; false: out of memory, and nothing has changed. */
bool buf_append(rondo_loop *loop, struct buf *buf, const void *data,
                size_t size);
/* A chunk for lent bytes, not yet in a queue; NULL: out of memory. */
struct chunk *buf_lend(rondo_loop *loop, const void *data, size_t size,
                       void (*release)(void *arg), void *arg);
void buf_append_lent(struct buf *buf, struct chunk *chunk);
/* Lent bytes that left at once. */
void buf_spend(struct buf *buf, struct chunk *chunk);
/* The first bytes, in at most BUF_GATHER pieces; their number. */
size_t buf_gather(const struct buf *buf, rondo_buffer *pieces);
/* These many bytes have left. */
void buf_consume(rondo_loop *loop, struct buf *buf, size_t count);
/* Drops everything; but the first chunk stays where it is, not counted, while
 * the kernel has it: dropped again it goes, too. */
void buf_drop(rondo_loop *loop, struct buf *buf, bool first_is_busy);
/* Gives back lent bytes: the program's code runs. */
void buf_release(rondo_loop *loop, struct buf *buf);

/* Limits of flow control as the program gave them: what is 0 follows from the
 * other. 0, or RONDO_EINVAL. */
int buf_limits(size_t *high, size_t *low, const char *what);

#endif
