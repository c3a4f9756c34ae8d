/* uring_datagram.c - the datagrams that the ring of io_uring has received. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "unix/uring.h"
#ifdef RING_IS_BUILT
#include "base/error.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

/* A buffer has a struct io_uring_recvmsg_out, room for the address, and the
 * bytes. */
enum {
    ADDRESS_ROOM = sizeof((rondo_address *)0)->native,
    DATAGRAM_HEAD = sizeof(struct io_uring_recvmsg_out) + ADDRESS_ROOM
};
_Static_assert(DATAGRAM_HEAD + LOOP_SCRATCH <= RING_LARGE_SIZE,
               "an endpoint asks for LOOP_SCRATCH bytes at most");

void uring_datagram_ask(struct io_uring_sqe *question)
{
    static const struct msghdr head = {.msg_namelen = ADDRESS_ROOM};
    question->opcode = IORING_OP_RECVMSG;
    question->buf_group = RING_LARGE;
    question->addr = (uint64_t)(uintptr_t)&head;
}

void uring_take_back_datagrams(struct uring *u)
{
    while (u->lent_large != NONE) {
        int buffer = u->lent_large;
        u->lent_large = u->buffers[buffer].next;
        uring_give_back_large(u, buffer);
    }
}

void uring_drop_datagrams(struct uring *u)
{
    for (int fd = 0; fd < u->room; fd++)
        if (u->readings[fd].large)
            uring_drop_bytes(u, &u->readings[fd]);
}

static void uring_datagram_take(char *buffer, struct sys_received *r,
                                size_t room)
{
    struct io_uring_recvmsg_out out;
    memcpy(&out, buffer, sizeof out);
    r->data = buffer + DATAGRAM_HEAD;
    r->truncated = out.payloadlen > room;
    r->size = r->truncated ? room : out.payloadlen;
    r->from.native_size = out.namelen <= ADDRESS_ROOM ? out.namelen : 0;
    r->from.reserved = 0;
    memcpy(&r->from.native, buffer + sizeof out, r->from.native_size);
}

/* An error, as of an earlier datagram, is told once; it goes on. */
static COLD int uring_datagram_none(struct uring *u, struct reading *r, int fd)
{
    if (!r->ended)
        return RONDO_EAGAIN;
    r->ended = false;
    uring_add_due(u, r, fd);
    error_keep_os(r->os_error);
    return r->error ? r->error : RONDO_EAGAIN;
}

int uring_lend_datagrams(rondo_loop *loop, struct io *io,
                         struct sys_received *list, unsigned count, size_t room)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    unsigned got = 0;
    assert(room <= LOOP_SCRATCH);
    uring_take_back_datagrams(u);
    if (!r)
        return RONDO_EAGAIN;
    for (; got < count && r->first != NONE; got++) {
        int buffer = r->first;
        r->first = u->buffers[buffer].next;
        u->buffers[buffer].next = u->lent_large;
        u->lent_large = buffer;
        uring_datagram_take(uring_large(u, buffer), &list[got], room);
    }
    return got ? (int)got : uring_datagram_none(u, r, io->fd);
}
#endif
#endif
