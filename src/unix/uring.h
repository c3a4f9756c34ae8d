/* uring.h - the poller of io_uring: its state, and what it reads. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_URING_H
#define RONDO_UNIX_URING_H

#include "core/backend.h"
#include "unix/ring.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/socket.h>

#ifdef RING_IS_BUILT
/*
 * The ring reads the sockets of streams and of datagrams: one multishot receive
 * for each, which the kernel goes on with as bytes come. They lie in our buffers
 * until the handle takes them: it is lent a buffer (uring_lend), or they are
 * copied. The ring polls the loop's wake-up. All other descriptors, and the
 * writing sides of these, are epoll's, whose descriptor the ring polls in its
 * turn.
 *
 * The ring's work is deferred: the kernel receives nothing but while this
 * thread is inside of ring_enter. So between two of these a plain recv(2) keeps
 * the order, if it comes after the bytes that lie here.
 */

/* Of one descriptor, found by its number. */
enum uring_state { URING_IDLE, URING_READS, URING_CANCELED };
struct reading {
    struct io *io;       /* NULL: it is not read */
    unsigned char state; /* what the kernel has of it */
    bool wanted;         /* the reactor has armed the reading side */
    union {
        struct {
            bool ended;   /* no bytes come after these: `error`, or 0 */
            bool try_now; /* there was no buffer */
        };
        uint16_t others; /* not 0: one of them */
    };
    bool lacked;   /* ... the last time */
    bool large;    /* of datagrams: its buffers are the large ones */
    bool is_told;  /* in the list of told ones */
    bool is_due;   /* in the list of receives to begin or cancel */
    unsigned goes; /* how often this receive has found that more waits */
    int error;
    int64_t os_error;
    int first, last; /* its bytes: a chain of buffers; NONE: no bytes. A
                        datagram has one buffer */
    int next_told, next_due;
};

enum { NONE = -1 };

/* io->mode. What a forked child has from its parent may still be the parent's:
 * it reads no more of it than it delivers. */
enum { URING_OWN, URING_INHERITED };

/* The large ones are behind the small ones. */
enum { BUFFERS = RING_BUFFERS + RING_LARGE_BUFFERS };
struct buffer {
    int next;
    uint16_t start, end; /* of a small one: the bytes that are not taken yet */
};

/* All buffers of a group. */
struct stock {
    char *memory; /* NULL: nothing was read yet */
    int in_use;   /* so many of them are used */
    bool lacked;  /* there was none for a receive */
};

/* Sends. What streams write while the loop runs callbacks is kept here, and one
 * call of the kernel sends all of it: when SEND_MOST of them have bytes here, or
 * somebody asks for it, or the loop waits. A send never waits in the kernel, so
 * all are over on return; one that has sent all has no answer. */
enum { SEND_MOST = 16, SENDS = 64, SEND_ROOM = 2048, SENT_ALL = INT_MAX };
struct sending {
    struct io *io;   /* whose io->kept is its index + 1 */
    unsigned number; /* of the question */
    unsigned size;
    int result; /* SENT_ALL, but of one that has not */
};

/* Beside the bytes, of a datagram. */
struct letter {
    struct msghdr head;
    struct iovec part;
    rondo_address to;
};

/* A poll of the ring's, which is over when it has told once. */
struct polling {
    unsigned number; /* of the last one */
    bool is_set;     /* the kernel has it */
    bool ready;      /* it has told, and nobody has looked */
};

struct uring {
    struct ring ring;
    void *epoll;          /* state of unix_epoll_poller */
    struct polling polls; /* of epoll's descriptor */
    unsigned renewals;    /* of epoll, before that poll */
    bool epoll_is_open;
    struct io *wake_io; /* the loop's wake-up; NULL: it is not waited for */
    struct polling wakes;
    struct reading *readings;
    int room;  /* of these */
    int reads; /* how many receives the kernel has */
    /* First of each list. Told ones have had an answer: the next wait looks
     * whether their streams have taken what has come, and want more. */
    int told, due;
    struct stock stocks[RING_GROUPS];
    int lent;       /* the buffer that a stream looks at, until the next one is
                       lent or the loop waits; NONE: none */
    int lent_large; /* the same of an endpoint: a chain */
    atomic_int event; /* an eventfd that tells an embedding loop; NONE: none */
    char *outbox;     /* of all sends; NULL: nothing was kept yet */
    /* Indices of sends: those that are free, those that the kernel is asked for,
     * and those that have not sent all, whose ios are to be told. */
    unsigned char idle[SENDS], asked[SENDS], failed[SENDS];
    int idle_count, asked_count, failed_count;
    int sends_left;     /* so many more can be kept; 0: somebody has to look */
    int answered_count; /* of those that are asked for: how many have failed */
    bool idle_is_other; /* behind the idle ones there are others than those that
                           are asked for */
    struct sending sends[SENDS];
    struct letter letters[SENDS];
    struct buffer buffers[BUFFERS]; /* from `idle` on: not zeroed */
};

/* What an answer is of: the upper half of its number. The lower one is of a
 * descriptor; of epoll and the wake-up, which of their polls. */
enum { OF_READING, OF_RECEIVING, OF_EPOLL, OF_WAKE, OF_CANCEL, OF_SEND };

static inline uint64_t uring_number(unsigned of, unsigned which)
{
    return (uint64_t)of << 32 | which;
}

/* ---- uring_read.c ---- */

/* Is there something to tell its stream? */
static inline bool uring_has_news(const struct reading *r)
{
    return r->first != NONE || r->others;
}

/* What is read of a descriptor; NULL: it is not. */
static inline struct reading *uring_find(const struct uring *u,
                                         const struct io *io)
{
    struct reading *r = NULL;
    assert(io->fd >= 0);
    if (io->fd < u->room)
        r = &u->readings[io->fd];
    return r && r->io == io ? r : NULL;
}
/* The same, which begins if it was not read; NULL: out of memory, or the ring
 * does not read datagrams. */
struct reading *uring_begin_reading(rondo_loop *loop, struct uring *u,
                                    struct io *io);
/* The reactor arms the reading side, or does not. As a poller's set. */
int uring_want(struct uring *u, struct reading *r, int fd, bool wanted);
static inline char *uring_buffer(const struct uring *u, int buffer)
{
    assert(buffer >= 0 && buffer < RING_BUFFERS);
    return u->stocks[RING_SMALL].memory + (size_t)buffer * RING_BUFFER_SIZE;
}

static inline char *uring_large(const struct uring *u, int buffer)
{
    assert(buffer >= RING_BUFFERS && buffer < BUFFERS);
    return u->stocks[RING_LARGE].memory +
           (size_t)(buffer - RING_BUFFERS) * RING_LARGE_SIZE;
}

static inline void uring_give_back(struct uring *u, int buffer)
{
    ring_offer(&u->ring, RING_SMALL, (unsigned)buffer, uring_buffer(u, buffer));
}

static inline void uring_give_back_large(struct uring *u, int buffer)
{
    ring_offer(&u->ring, RING_LARGE, (unsigned)(buffer - RING_BUFFERS),
               uring_large(u, buffer));
}

/* No stream looks at it any more. */
static inline void uring_take_back(struct uring *u)
{
    if (u->lent != NONE)
        uring_give_back(u, u->lent);
    u->lent = NONE;
}

/* Those that were read and not taken. */
void uring_drop_bytes(struct uring *u, struct reading *r);

static inline size_t uring_stock_size(unsigned group)
{
    return group == RING_LARGE ? (size_t)RING_LARGE_BUFFERS * RING_LARGE_SIZE
                               : (size_t)RING_BUFFERS * RING_BUFFER_SIZE;
}

/* Which answers are of its receives. */
static inline unsigned uring_tag(const struct reading *r)
{
    return r->large ? OF_RECEIVING : OF_READING;
}

/* What comes next is not the ring's to read. */
static inline bool uring_is_left(const struct reading *r)
{
    const struct op *op = r->io->op[0];
    return r->io->mode == URING_INHERITED ||
           (op && op->task.kind == OP_WAIT_READ);
}

void uring_close_memory(struct uring *u);
/* Nothing is read any more, and all that was read lies here. */
void uring_stop(struct uring *u, struct reading *r, int fd);
/* The descriptor leaves the loop. */
void uring_end_reading(struct uring *u, struct reading *r, int fd);
/* Begins and cancels receives, before the next call of the kernel: of those for
 * which this may be due. */
void uring_add_due(struct uring *u, struct reading *r, int fd);
void uring_ask_due(rondo_loop *loop, struct uring *u);
/* Takes all answers that are there. Outside of a wait without a loop. */
void uring_collect(rondo_loop *loop, struct uring *u);
/* Before a wait: ends the operations of those whose bytes still lie here, and
 * reads no more of those whose streams have paused. */
void uring_look_at_told(rondo_loop *loop, struct uring *u);
/* How many bytes lie here. */
size_t uring_count_bytes(const struct uring *u, const struct reading *r);
/* Takes as many as there is room for; how many they were. */
size_t uring_take_bytes(struct uring *u, struct reading *r, char *to,
                        size_t room);
/* The kernel's ring is another one, which has no receives and no buffers. */
void uring_begin_anew(struct uring *u);

/* ---- uring_datagram.c ---- */

/* Asks for datagrams. */
void uring_datagram_ask(struct io_uring_sqe *question);
/* As a backend's. */
int uring_lend_datagrams(rondo_loop *loop, struct io *io,
                         struct sys_received *list, unsigned count,
                         size_t room);
/* No endpoint looks at them any more. */
void uring_take_back_datagrams(struct uring *u);
/* In a forked child: they are the parent's. */
void uring_drop_datagrams(struct uring *u);

/* ---- uring_send.c ---- */

/* As a backend's. */
bool uring_send_later(rondo_loop *loop, struct io *io, const void *data,
                      size_t size);
bool uring_send_datagram_later(rondo_loop *loop, struct io *io,
                               const struct sys_outgoing *out);
void uring_send_now(rondo_loop *loop, const struct io *io);
/* After each call of the kernel, when its answers have been taken: which sends
 * are over. */
void uring_look_at_sends(struct uring *u);
void uring_send_answered(struct uring *u, int result, unsigned which);
/* Tells those whose bytes have not left. */
void uring_tell_unsent(rondo_loop *loop, struct uring *u);
/* The descriptor leaves the loop: its bytes leave before, or never. */
void uring_end_sending(struct uring *u, struct io *io);
/* In a forked child: the parent sends them. */
void uring_forget_sends(struct uring *u);
void uring_open_sends(struct uring *u);
void uring_close_sends(struct uring *u);

/* ---- uring.c ---- */

/* What epoll watches of that descriptor, as a poller's set. */
int uring_watch(rondo_loop *loop, struct uring *u, struct io *io,
                unsigned sides);
/* An answer to another question than a receive. */
void uring_answered(struct uring *u, const struct io_uring_cqe *answer);
#endif

#endif
