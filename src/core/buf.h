/* buf.h - the write queue: bytes that wait until the kernel takes them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BUF_H
#define RONDO_CORE_BUF_H

#include "core/loop.h"

/* One piece of the queue. Its bytes never move, so the kernel may read one
 * chunk while the program fills another. The bytes are either copied, behind
 * this struct in the same block; or owned: the program's, which gets them back
 * by its release function; or lent: the caller's, as the chunk is. */
struct chunk {
    struct chunk *next;
    const char *data; /* the bytes that are not sent */
    size_t size;      /* their number, never 0 in the queue */
    size_t room;      /* how many bytes may still be copied behind them */
    void (*release)(void *arg); /* owned bytes; NULL: others */
    void *arg;
    bool lent; /* part of a block of the caller's: the queue does not free it */
};

/* The loop's thread only. buf_release alone calls functions of the program;
 * whoever owns the buf calls it from the loop, until release_due is empty. */
struct buf {
    struct chunk *first, **last; /* the queue, first in first out */
    struct chunk *release_due;   /* owned chunks that have left the queue */
    struct chunk **release_last;
    size_t size;    /* the bytes in the queue */
    uint64_t front; /* the bytes that were taken out by buf_consume */
};

/* How many pieces one send gathers, and the default limits of flow control. */
enum { BUF_GATHER = 64, BUF_HIGH = 65536, BUF_LOW = BUF_HIGH / 4 };

void buf_init(struct buf *buf);

/* Copies bytes to the end of the queue. Returns false, with nothing changed, if
 * there is no memory. */
bool buf_append(rondo_loop *loop, struct buf *buf, const void *data,
                size_t size);

/* Makes a chunk for owned bytes, which is in no queue yet: the caller passes it
 * to one of the next two functions. Returns NULL, and then the bytes stay the
 * program's, if there is no memory. */
struct chunk *buf_chunk_owned(rondo_loop *loop, const void *data, size_t size,
                              void (*release)(void *arg), void *arg);
/* Puts it, or a lent one, at the end of the queue. Its size must not be 0. */
void buf_append_chunk(struct buf *buf, struct chunk *chunk);
/* The bytes of the chunk are sent or not needed: it is due for release. */
void buf_release_later(struct buf *buf, struct chunk *chunk);

/* Writes the first bytes of the queue as pieces, at most BUF_GATHER of them,
 * and returns how many pieces. They are valid until the next buf_consume. */
size_t buf_gather(const struct buf *buf, rondo_buffer *pieces);

/* The place behind the last byte: once `front` has come to it, all that is in
 * the queue now has left. */
static inline uint64_t buf_end(const struct buf *buf)
{
    return buf->front + buf->size;
}

/* Takes the first `count` bytes out of the queue: the kernel has them. */
void buf_consume(rondo_loop *loop, struct buf *buf, size_t count);

/* Empties the queue. With first_is_busy the kernel still reads the first chunk:
 * that one stays, and is not counted in `size`, until it is dropped by a second
 * call. */
void buf_drop(rondo_loop *loop, struct buf *buf, bool first_is_busy);

/* Calls the release functions that are due, and frees their chunks. These are
 * the program's functions: they may write more. */
void buf_release(rondo_loop *loop, struct buf *buf);

/* Completes the limits of flow control: a limit of 0 follows from the other one
 * (low is a quarter of high). RONDO_NO_BUFFER as high is 0 for both. Returns 0,
 * or RONDO_EINVAL with a sentence that begins with `what`: high is below low. */
int buf_limits(size_t *high, size_t *low, const char *what);

#endif
