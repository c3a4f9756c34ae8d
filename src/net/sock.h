/* sock.h - operations on sockets of the program's. */
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

struct sock_call {
    struct handle handle;
    struct task task; /* ready: it has its result, which is to be told */
    rondo_loop *loop;
    struct sock *sock; /* NULL: cancelled */
    sys_fd fd;
    rondo_id id, timer;
    unsigned char kind;
    bool over;        /* it has its result */
    bool begun;       /* connect: it is under way; sendto: it has waited */
    const char *data; /* what is to be sent now; of sendfile, what was read */
    void *room;
    size_t size, sent;
    rondo_address address; /* to whom, or from whom */
    union {
        rondo_done_fn any;
        rondo_recvfrom_fn recvfrom;
        rondo_accept_fn accept;
    } done;
    void *arg;
    int64_t result, os_error;
    struct source source; /* sendfile's */
};

extern const char *const sock_names[];
/* error_set, of a descriptor. */
int sock_refuse(int error, const char *what, rondo_fd fd, const char *why);
/* A call that has not begun: sock_call_begin has to follow. RONDO_EBUSY,
 * RONDO_EINVAL (the socket is blocking), RONDO_EBADF, io_attach's errors. */
int sock_call_new(rondo_loop *loop, rondo_fd fd, enum sock_kind kind,
                  struct sock_call **made);
/* The first try. What is no socket is refused at once. */
rondo_id sock_call_begin(struct sock_call *call, void *arg);

enum { SOCK_LATER = -1 }; /* a thread reads; sock_go_on follows */

/* One try: the result, or RONDO_EAGAIN: when the socket is ready again. */
int64_t sock_try(struct sock_call *call);
/* For sock_try: goes on with a call whose file's bytes have come. */
void sock_go_on(struct sock_call *call);
void sock_finish(struct sock_call *call, int64_t result);

#endif
