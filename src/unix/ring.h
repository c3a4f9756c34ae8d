/* ring.h - one io_uring, without its operations: what uring.c makes them of. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_RING_H
#define RONDO_UNIX_RING_H

#include "sys.h"

#include <stdatomic.h>

/* Headers before Linux 6.1 do not know all that is needed. */
#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#endif
#ifdef IORING_SETUP_DEFER_TASKRUN
#define RING_IS_BUILT
#endif

#ifdef RING_IS_BUILT
/* Two groups of buffers that the kernel fills: small ones with bytes of streams,
 * and such as hold any datagram, of which few bytes are touched. What is not a
 * power of two keeps their beginnings out of a few lines of the cache. */
enum { RING_SMALL, RING_LARGE, RING_GROUPS };
enum {
    RING_BUFFERS = 1024,
    RING_BUFFER_SIZE = 4096,
    RING_LARGE_BUFFERS = 256,
    RING_LARGE_SIZE = 65536 + 192
};

/* The ring of buffers that the kernel may fill. */
struct ring_offers {
    struct io_uring_buf_ring *ring; /* NULL: there is none */
    uint16_t offered;
};

struct ring {
    int fd;
    /* Both sides write their own numbers and read the other's. */
    atomic_uint *flags;             /* the kernel's notes */
    atomic_uint *sq_head, *sq_tail; /* of what it is asked */
    atomic_uint *cq_head, *cq_tail; /* of what it has answered */
    unsigned sq_size, sq_mask, cq_mask;
    unsigned asked, given; /* our tail, and the part that the kernel has */
    bool sends_quietly;    /* a send that succeeds may go without an answer */
    struct io_uring_sqe *questions;
    const struct io_uring_cqe *answers;
    void *map; /* of both queues' numbers and of the answers */
    size_t map_size, questions_size;
    bool receives_messages, sends_messages;
    struct ring_offers offers[RING_GROUPS];
};

/* Makes a ring for this thread, which alone may use it. Returns 0, or an error
 * with a sentence: RONDO_ENOTSUP where the kernel has none, has not all that is
 * needed, or refuses it. */
int ring_open(struct ring *ring);
/* Ends what is under way without waiting for it: nothing more is read. A ring
 * that is shared with the parent of a forked child stays the parent's. */
void ring_close(struct ring *ring);

/* Room for one question, zeroed; NULL: the kernel takes no more now. Asked in
 * the next ring_enter. */
struct io_uring_sqe *ring_ask(struct ring *ring);
static inline struct io_uring_sqe *ring_question(const struct ring *ring,
                                                 unsigned number)
{
    return &ring->questions[number & ring->sq_mask];
}
/* Asks, lets the kernel carry on what waits for this thread, and, with a time,
 * waits for an answer. Returns 0, or -1: errno says why. */
int ring_enter(struct ring *ring, int64_t timeout_ns);
/* Only asks. What ends at once has its answer on return. */
int ring_submit(struct ring *ring);
/* ring_ask would have to ask first. */
static inline bool ring_is_full(const struct ring *ring)
{
    return ring->asked - ring->given == ring->sq_size;
}
/* The kernel has taken the question with that number: ring->asked, before it was
 * asked. */
static inline bool ring_has_taken(const struct ring *ring, unsigned number)
{
    return (int)(ring->given - number) > 0;
}
/* Answers wait for room, and for a ring_enter. */
bool ring_overflows(const struct ring *ring);
/* Something waits for this thread to enter. */
bool ring_wants_enter(const struct ring *ring);
/* The answers that are there: a walk from ring_first_answer to ring_end_answers,
 * place by place, which ends with ring_forget_answers. */
static inline unsigned ring_first_answer(const struct ring *ring)
{
    return atomic_load_explicit(ring->cq_head, memory_order_relaxed);
}

static inline unsigned ring_end_answers(const struct ring *ring)
{
    return atomic_load_explicit(ring->cq_tail, memory_order_acquire);
}

static inline const struct io_uring_cqe *ring_answer(const struct ring *ring,
                                                     unsigned place)
{
    return &ring->answers[place & ring->cq_mask];
}

static inline void ring_forget_answers(struct ring *ring, unsigned end)
{
    atomic_store_explicit(ring->cq_head, end, memory_order_release);
}

/* Makes the eventfd readable when something waits to be entered for. 0 or -1 */
int ring_tell_event(struct ring *ring, int event);

/* The small ones' ring is there from the beginning. 0, or an error with a
 * sentence: nothing has changed. */
int ring_open_offers(struct ring *ring, unsigned group);

/* Lets the kernel fill a buffer of that group, which begins at `memory`. */
static inline void ring_offer(struct ring *ring, unsigned group,
                              unsigned buffer, void *memory)
{
    const unsigned count =
        group == RING_LARGE ? RING_LARGE_BUFFERS : RING_BUFFERS;
    struct ring_offers *offers = &ring->offers[group];
    struct io_uring_buf *offer =
        &offers->ring->bufs[offers->offered & (count - 1)];
    offer->addr = (uint64_t)(uintptr_t)memory;
    offer->len = group == RING_LARGE ? RING_LARGE_SIZE : RING_BUFFER_SIZE;
    offer->bid = (uint16_t)buffer;
    offers->offered++;
    atomic_store_explicit((_Atomic uint16_t *)(void *)&offers->ring->tail,
                          offers->offered, memory_order_release);
}
#endif
#endif
