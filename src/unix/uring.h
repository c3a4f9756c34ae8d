/* uring.h - the poller of io_uring: its state, and what it reads. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_URING_H
#define RONDO_UNIX_URING_H

#include "core/backend.h"
#include "unix/ring.h"

#include <stdatomic.h>

/*
 * The ring reads the sockets of streams: one multishot receive for each, which
 * the kernel goes on with as bytes come. They lie in our buffers until the
 * stream takes them, by uring_receive. All other descriptors, and the writing
 * sides of these, are epoll's, whose descriptor the ring polls in its turn.
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
    bool ended;          /* no bytes come after these: `error`, or 0 */
    bool try_now;        /* there was no buffer */
    bool has_news;       /* in the list of news */
    bool is_due;         /* in the list of receives to begin or cancel */
    int error;
    int64_t os_error;
    int first, last; /* its bytes: a chain of buffers; NONE: no bytes */
    int next_news, next_due;
};

enum { NONE = -1 };

/* io->mode. What a forked child has from its parent may still be the parent's:
 * it reads no more of it than it delivers. */
enum { URING_OWN, URING_INHERITED };

struct buffer {
    int next;
    unsigned start, end; /* of the bytes that are not taken yet */
};

/* Sends. What streams write while the loop runs callbacks is kept here, and one
 * call of the kernel sends all of it: when SEND_MOST of them have bytes here, or
 * somebody asks for it, or the loop waits. A send never waits in the kernel, so
 * all are over on return; one that has sent all has no answer. */
enum { SEND_MOST = 16, SENDS = 64, SEND_ROOM = 2048 };
struct sending {
    struct io *io;                 /* whose io->kept is its index + 1 */
    struct io_uring_sqe *question; /* the `number`th */
    unsigned number, size;
    int result;
};

struct uring {
    struct ring ring;
    void *epoll;       /* state of unix_epoll_poller */
    unsigned poll;     /* of the ring on epoll's descriptor: its number */
    unsigned renewals; /* of epoll, before that poll */
    bool epoll_is_open;
    bool poll_is_set;
    bool epoll_ready; /* and not yet asked what is */
    struct reading *readings;
    int room;         /* of these */
    int reads;        /* how many receives the kernel has */
    int news, due;    /* first of each list */
    char *memory;     /* of all buffers; NULL: nothing was read yet */
    atomic_int event; /* an eventfd that tells an embedding loop; NONE: none */
    char *outbox;     /* of all sends; NULL: nothing was kept yet */
    /* Indices of sends: those that are free, those that the kernel is asked for,
     * and those that have not sent all, whose ios are to be told. */
    unsigned char idle[SENDS], asked[SENDS], failed[SENDS];
    int idle_count, asked_count, failed_count;
    struct sending sends[SENDS];
    struct buffer buffers[RING_BUFFERS]; /* from `idle` on: not zeroed */
};

/* What an answer is of: the upper half of its number. The lower one is of a
 * descriptor; of epoll, which of its polls. */
enum { OF_READING = 1, OF_EPOLL, OF_CANCEL, OF_SEND };

static inline uint64_t uring_number(unsigned of, unsigned which)
{
    return (uint64_t)of << 32 | which;
}

/* ---- uring_read.c ---- */

/* Is there something to tell its stream? */
static inline bool uring_has_news(const struct reading *r)
{
    return r->first != NONE || r->ended || r->try_now;
}

/* What is read of a descriptor; NULL: it is not. */
struct reading *uring_find(const struct uring *u, const struct io *io);
/* The same, which begins if it was not read; NULL: out of memory. */
struct reading *uring_begin_reading(rondo_loop *loop, struct uring *u,
                                    struct io *io);
/* The reactor arms the reading side, or does not. As a poller's set. */
int uring_want(struct uring *u, struct reading *r, int fd, bool wanted);
/* Nothing is read any more, and all that was read lies here. */
void uring_stop(struct uring *u, struct reading *r, int fd);
/* The descriptor leaves the loop. */
void uring_end_reading(struct uring *u, struct reading *r, int fd);
/* Begins and cancels receives, before the next call of the kernel: of those for
 * which this may be due. */
void uring_add_due(struct uring *u, struct reading *r, int fd);
void uring_ask_due(rondo_loop *loop, struct uring *u);
/* The kernel's answer to a receive. */
struct io_uring_cqe;
void uring_received(struct uring *u, const struct io_uring_cqe *answer, int fd);
/* How many bytes lie here. */
size_t uring_count_bytes(const struct uring *u, const struct reading *r);
/* Takes as many as there is room for; how many they were. */
size_t uring_take_bytes(struct uring *u, struct reading *r, char *to,
                        size_t room);
/* The kernel's ring is another one, which has no receives and no buffers. */
void uring_begin_anew(struct uring *u);

/* ---- uring_send.c ---- */

/* As a backend's. */
bool uring_send_later(rondo_loop *loop, struct io *io, const void *data,
                      size_t size);
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

/* Takes all answers that are there. */
void uring_collect(struct uring *u);

#endif
