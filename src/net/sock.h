/* sock.h - operations on sockets of the program's: what they lie in. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_SOCK_H
#define RONDO_NET_SOCK_H

#include "core/op.h"
#include "threads/file_source.h"

/* Even kinds use the reading side, odd ones the writing side. */
enum sock_kind {
    SOCK_CALL_RECV,
    SOCK_CALL_SENDALL,
    SOCK_CALL_RECVFROM,
    SOCK_CALL_SENDTO,
    SOCK_CALL_ACCEPT,
    SOCK_CALL_CONNECT,
    SOCK_CALL_SENDFILE = 7
};

struct sock;

/* One call of the program. Its memory is kept for the next call, with the id that
 * the next one gets. */
struct sock_call {
    struct handle handle; /* open if it has to wait */
    struct task task;     /* on the ready list once the result is known */
    rondo_loop *loop;
    struct sock *sock; /* NULL: the call has left its descriptor */
    sys_fd fd;
    rondo_id id, timer;
    unsigned char kind;
    bool over;  /* the result is known */
    bool begun; /* connect: the kernel connects; others: it has waited */
    union {
        const char *data; /* what to send now; or what the thread has read */
        void *room;       /* where to receive */
    };
    size_t size, sent;
    union {
        rondo_done_fn any;
        rondo_recvfrom_fn recvfrom;
        rondo_accept_fn accept;
    } done;
    void *arg;
    int64_t result, os_error;
    /* not set for recv and sendall, which are the fast path */
    rondo_address address;     /* the destination, or the sender or client */
    struct file_source source; /* sendfile's */
};

/* A try that goes on when a thread has read: sock_go_on follows. */
enum { SOCK_LATER = -1 };

struct side {
    struct op op; /* of a sock that `waits` */
    struct sock *sock;
    struct sock_call *call; /* NULL: no call uses this side */
};

/* A descriptor of the program, from its first call to its last. Then it leaves
 * the table of descriptors (`gone`) and is freed when both operations are
 * idle. The backend hears of it, and it becomes a handle, when a call has to
 * wait. Until then it may stay in the table while the done of its last call
 * runs (IO_UNUSED), since there the program mostly makes the next one. */
struct sock {
    struct handle handle; /* first: a handle's address is its sock's */
    struct io io;
    rondo_loop *loop;
    struct side side[2];
    bool gone;
    bool waits; /* was attached: it is a handle, and has operations */
    bool tells; /* a done runs, after which it is looked at again */
};

/* One try (sock_try.c). Returns the result, RONDO_EAGAIN (to be tried when the
 * socket is ready), or SOCK_LATER. */
int64_t sock_try(struct sock_call *c);
/* The same of a sendall whose first send has just ended so: not with all. */
COLD int64_t sock_sent_some(struct sock_call *c, int64_t sent);
/* Tries again. */
void sock_go_on(struct sock_call *c);
/* The result is known; the loop calls done. */
void sock_finish(struct sock_call *c, int64_t result);

#endif
