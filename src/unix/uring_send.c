/* uring_send.c - what streams write, until one call of io_uring sends it. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "unix/uring.h"
#ifdef RING_IS_BUILT
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Rooms that are a multiple of 4 KiB apart would share a set of the cache. */
enum { OUTBOX_STEP = SEND_ROOM + 64, OUTBOX_SIZE = SENDS * OUTBOX_STEP };

static char *uring_send_room(const struct uring *u, int which)
{
    return u->outbox + (size_t)which * OUTBOX_STEP;
}

static void uring_free_sends(struct uring *u)
{
    u->asked_count = u->failed_count = u->answered_count = 0;
    u->sends_left = 0;
    u->idle_is_other = false;
    u->idle_count = SENDS;
    for (int i = 0; i < SENDS; i++) {
        u->idle[i] = (unsigned char)(SENDS - 1 - i);
        u->sends[i].result = SENT_ALL;
    }
}

void uring_open_sends(struct uring *u)
{
    uring_free_sends(u);
}

void uring_close_sends(struct uring *u)
{
    if (u->outbox)
        munmap(u->outbox, OUTBOX_SIZE);
}

static void uring_forget(struct uring *u, const unsigned char *sends, int count)
{
    for (int i = 0; i < count; i++)
        u->sends[sends[i]].io->kept = 0;
}

void uring_forget_sends(struct uring *u)
{
    uring_forget(u, u->asked, u->asked_count);
    uring_forget(u, u->failed, u->failed_count);
    uring_free_sends(u);
}

/* ---- what the kernel did ---- */

static void uring_send_is_over(struct uring *u, int which)
{
    u->sends[which].io->kept = 0;
    u->idle[u->idle_count++] = (unsigned char)which;
}

void uring_send_answered(struct uring *u, int result, unsigned which)
{
    assert(which < SENDS && u->sends[which].io->kept == which + 1);
    u->sends[which].result = result;
    u->answered_count++;
}

/* Some have failed, or the kernel has not taken all. */
static COLD void uring_look_at_each(struct uring *u)
{
    int left = 0;
    for (int i = 0; i < u->asked_count; i++) {
        unsigned char which = u->asked[i];
        const struct sending *s = &u->sends[which];
        if (!ring_has_taken(&u->ring, s->number))
            u->asked[left++] = which;
        else if (s->result == SENT_ALL)
            uring_send_is_over(u, which);
        else
            u->failed[u->failed_count++] = which;
    }
    u->asked_count = left;
    u->answered_count = u->sends_left = 0;
    u->idle_is_other = true;
}

void uring_look_at_sends(struct uring *u)
{
    while (u->asked_count && ring_overflows(&u->ring)) {
        (void)ring_enter(&u->ring, 0);
        uring_collect(NULL, u);
    }
    if (u->answered_count || u->ring.asked != u->ring.given) {
        uring_look_at_each(u);
        return;
    }
    if (u->idle_is_other)
        uring_look_at_each(u);
    for (int i = 0; i < u->asked_count; i++)
        u->sends[u->asked[i]].io->kept = 0;
    u->idle_count += u->asked_count;
    u->idle_is_other = false;
    u->asked_count = u->sends_left = 0;
}

/* The kernel takes all questions, unless it has no memory for them. */
static void uring_send_all(struct uring *u)
{
    if (u->asked_count)
        (void)ring_submit(&u->ring);
    for (;;) {
        uring_collect(NULL, u);
        uring_look_at_sends(u);
        if (!u->asked_count)
            return;
        (void)ring_enter(&u->ring, RONDO_MS(1));
    }
}

/* ---- telling ---- */

/* Of a datagram. Linux has no room for it: it can wait. */
static struct sys_outgoing uring_letter(const struct uring *u, int which)
{
    const struct letter *l = &u->letters[which];
    struct sys_outgoing out = {.data = uring_send_room(u, which),
                               .size = u->sends[which].size};
    if (l->to.native_size) {
        out.to = &l->to.native;
        out.to_size = l->to.native_size;
    }
    return out;
}

/* What its bytes came to. */
static void uring_tell_one(rondo_loop *loop, struct uring *u, int which)
{
    struct sending *s = &u->sends[which];
    struct io *io = s->io;
    int result = s->result, error = RONDO_EAGAIN;
    unsigned sent = result > 0 ? (unsigned)result : 0;
    bool passing = result >= 0 || result == -EAGAIN || result == -EINTR ||
                   result == -ECANCELED;
    struct sys_outgoing rest = {.data = uring_send_room(u, which) + sent,
                                .size = s->size - sent};
    assert(sent < s->size || !s->size);
    io->kept = 0;
    if (io->owner == IO_DATAGRAM) {
        passing = passing || result == -ENOBUFS;
        rest = uring_letter(u, which);
    }
    if (!passing)
        error = error_from_os(-result);
    io_unsent(loop, io, &rest, error);
    s->result = SENT_ALL;
    u->idle_is_other = u->asked_count;
    u->idle[u->idle_count++] = (unsigned char)which;
}

void uring_tell_unsent(rondo_loop *loop, struct uring *u)
{
    while (u->failed_count)
        uring_tell_one(loop, u, u->failed[--u->failed_count]);
}

/* false: it is not among them. */
static bool uring_take_failed(struct uring *u, int which)
{
    int i = 0;
    while (i < u->failed_count && u->failed[i] != which)
        i++;
    if (i == u->failed_count)
        return false;
    u->failed[i] = u->failed[--u->failed_count];
    return true;
}

void uring_send_now(rondo_loop *loop, const struct io *io)
{
    struct uring *u = reactor_state(loop);
    int which = io ? io->kept - 1 : NONE;
    uring_send_all(u);
    if (!io)
        uring_tell_unsent(loop, u);
    else if (uring_take_failed(u, which))
        uring_tell_one(loop, u, which);
}

void uring_end_sending(struct uring *u, struct io *io)
{
    int which = io->kept - 1;
    uring_send_all(u);
    if (uring_take_failed(u, which)) {
        u->sends[which].result = SENT_ALL;
        uring_send_is_over(u, which);
    }
    assert(!io->kept);
}

/* ---- keeping ---- */

/* More of a stream that has bytes here. */
static bool uring_keep_more(struct uring *u, struct io *io, const void *data,
                            size_t size)
{
    int which = io->kept - 1;
    struct sending *s = &u->sends[which];
    if (size > SEND_ROOM - s->size || ring_has_taken(&u->ring, s->number))
        return false;
    memcpy(uring_send_room(u, which) + s->size, data, size);
    s->size += (unsigned)size;
    ring_question(&u->ring, s->number)->len = s->size;
    return true;
}

/* It sends all, or has an answer; and it never waits for room. */
static void uring_ask_to_send(struct uring *u, int which, int fd,
                              const void *room, unsigned size)
{
    *ring_question(&u->ring, u->ring.asked++) = (struct io_uring_sqe){
        .opcode = IORING_OP_SEND,
        .flags = IOSQE_CQE_SKIP_SUCCESS,
        .fd = fd,
        .addr = (uint64_t)(uintptr_t)room,
        .len = size,
        .msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL,
        .user_data = uring_number(OF_SEND, (unsigned)which)};
}

/* Once so many are kept, and for the first in an iteration. Outside of a run
 * nobody would send them. */
static COLD bool uring_make_room(const rondo_loop *loop, struct uring *u)
{
    if (!loop->depth || !u->ring.sends_quietly)
        return false;
    if (!u->outbox) {
        void *memory = mmap(NULL, OUTBOX_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return false;
        u->outbox = memory;
    }
    uring_send_all(u);
    if (ring_is_full(&u->ring) && ring_submit(&u->ring) < 0)
        return false;
    u->sends_left = u->idle_count < SEND_MOST ? u->idle_count : SEND_MOST;
    return u->sends_left;
}

/* A place for it, asked for next; NONE: it is not kept. */
static inline int uring_begin_send(rondo_loop *loop, struct uring *u,
                                   struct io *io, size_t size)
{
    if (size > SEND_ROOM)
        return NONE;
    if ((!u->sends_left || ring_is_full(&u->ring)) && !uring_make_room(loop, u))
        return NONE;
    int which = u->idle[--u->idle_count];
    struct sending *s = &u->sends[which];
    s->io = io;
    s->number = u->ring.asked;
    s->size = (unsigned)size;
    u->sends_left--;
    u->asked[u->asked_count++] = (unsigned char)which;
    io->kept = (unsigned char)(which + 1);
    return which;
}

bool uring_send_later(rondo_loop *loop, struct io *io, const void *data,
                      size_t size)
{
    struct uring *u = reactor_state(loop);
    if (io->kept)
        return uring_keep_more(u, io, data, size);
    int which = uring_begin_send(loop, u, io, size);
    if (which == NONE)
        return false;
    char *room = uring_send_room(u, which);
    uring_ask_to_send(u, which, (int)io->fd, room, (unsigned)size);
    memcpy(room, data, size);
    return true;
}

bool uring_send_datagram_later(rondo_loop *loop, struct io *io,
                               const struct sys_outgoing *out)
{
    struct uring *u = reactor_state(loop);
    if (!u->ring.sends_messages)
        return false;
    int which = uring_begin_send(loop, u, io, out->size);
    if (which == NONE)
        return false;
    struct letter *l = &u->letters[which];
    l->part = (struct iovec){uring_send_room(u, which), out->size};
    l->to.native_size = (uint32_t)out->to_size;
    l->head = (struct msghdr){.msg_iov = &l->part, .msg_iovlen = 1};
    if (out->to_size) {
        l->head.msg_name = &l->to.native;
        l->head.msg_namelen = (socklen_t)out->to_size;
        memcpy(&l->to.native, out->to, out->to_size);
    }
    if (out->size)
        memcpy(l->part.iov_base, out->data, out->size);
    uring_ask_to_send(u, which, (int)io->fd, &l->head, 1);
    ring_question(&u->ring, u->ring.asked - 1)->opcode = IORING_OP_SENDMSG;
    return true;
}
#endif
#endif
