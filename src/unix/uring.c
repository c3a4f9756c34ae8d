/* uring.c - the poller of Linux that reads by itself, by io_uring. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/epoll.h"
#include "unix/unix.h"
#include "unix/uring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifdef RING_IS_BUILT
#include <poll.h>
#include <sys/eventfd.h>

static void uring_poll_answered(struct polling *p, uint64_t answer)
{
    if ((unsigned)answer != p->number)
        return; /* of an earlier one */
    p->is_set = false;
    p->ready = true;
}

void uring_answered(struct uring *u, const struct io_uring_cqe *answer)
{
    switch (answer->user_data >> 32) {
    case OF_EPOLL:
        uring_poll_answered(&u->polls, answer->user_data);
        break;
    case OF_WAKE:
        uring_poll_answered(&u->wakes, answer->user_data);
        break;
    case OF_SEND:
        uring_send_answered(u, answer->res, (unsigned)answer->user_data);
        break;
    default: /* of a cancel */
        break;
    }
}

/* ---- epoll and the wake-up, in the ring ---- */

static void uring_poll(struct uring *u, struct polling *p, unsigned of, int fd)
{
    struct io_uring_sqe *q = ring_ask(&u->ring);
    if (!q)
        return;
    q->opcode = IORING_OP_POLL_ADD;
    q->fd = fd;
    q->poll32_events = POLLIN;
    q->user_data = uring_number(of, ++p->number);
    p->is_set = true;
}

/* Another epoll has taken the place of the one that is polled. */
static bool uring_forget_epoll(struct uring *u)
{
    struct io_uring_sqe *q = ring_ask(&u->ring);
    if (!q)
        return false;
    q->opcode = IORING_OP_POLL_REMOVE;
    q->fd = -1;
    q->addr = uring_number(OF_EPOLL, u->polls.number);
    q->user_data = uring_number(OF_CANCEL, 0);
    u->polls.is_set = false;
    u->polls.number++;
    return true;
}

static void uring_poll_both(rondo_loop *loop, struct uring *u)
{
    rondo_fd fd = NONE;
    int64_t most;
    unsigned renewals = unix_epoll_renewals(u->epoll);
    if (u->wake_io && !u->wakes.is_set)
        uring_poll(u, &u->wakes, OF_WAKE, (int)u->wake_io->fd);
    if (u->polls.is_set && (u->renewals == renewals || !uring_forget_epoll(u)))
        return;
    (void)unix_epoll_poller.embed(loop, u->epoll, &fd, &most);
    uring_poll(u, &u->polls, OF_EPOLL, (int)fd);
    u->renewals = renewals;
}

/* The ring itself waits for the wake-up, which saves a call of epoll's each
 * time. */
static bool uring_is_wake(const struct uring *u, const struct io *io)
{
    return io == u->wake_io || (io->owner == IO_INTERNAL && !u->wake_io &&
                                io->op[0] && io->op[0]->task.kind == OP_READ);
}

/* A poll that is not wanted any more stays with the kernel, and its answer is
 * ignored. In a forked child the ring is still the parent's here. */
static void uring_set_wake(struct uring *u, struct io *io)
{
    u->wake_io = io;
    u->wakes.ready = u->wakes.is_set = false;
    u->wakes.number++;
}

static void uring_tell_woken(rondo_loop *loop, struct uring *u)
{
    bool ready = u->wakes.ready && u->wake_io;
    u->wakes.ready = false;
    if (ready)
        reactor_ready(loop, u->wake_io, SIDE_READ);
}

/* ---- the poller's functions ---- */

static int uring_open_epoll(rondo_loop *loop, struct uring *u)
{
    memset(u->epoll, 0, unix_epoll_poller.size - unix_epoll_poller.unset);
    int error = unix_epoll_poller.open(loop, u->epoll);
    u->epoll_is_open = !error;
    return error;
}

static int uring_open(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    u->event = u->told = u->due = u->lent = u->lent_large = NONE;
    uring_open_sends(u);
    u->epoll = loop_alloc(loop, unix_epoll_poller.size);
    if (!u->epoll)
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    int error = ring_open(&u->ring);
    if (!error)
        error = uring_open_epoll(loop, u);
    if (error) {
        ring_close(&u->ring);
        loop_free(loop, u->epoll);
    }
    return error;
}

static void uring_close(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    ring_close(&u->ring);
    if (u->epoll_is_open)
        unix_epoll_poller.close(loop, u->epoll);
    loop_free(loop, u->epoll);
    loop_free(loop, u->readings);
    uring_close_memory(u);
    uring_close_sends(u);
    sys_close(u->event);
}

/* Another ring takes the place of this one, for this thread or this process.
 * What was read stays. */
static int uring_renew(struct uring *u)
{
    struct ring ring;
    int error = ring_open(&ring);
    if (!error && u->stocks[RING_LARGE].memory)
        error = ring_open_offers(&ring, RING_LARGE);
    if (error) {
        ring_close(&ring);
        return error;
    }
    ring_close(&u->ring);
    u->ring = ring;
    u->polls.is_set = u->wakes.is_set = false;
    uring_begin_anew(u);
    if (u->event != NONE)
        (void)ring_tell_event(&u->ring, u->event);
    return 0;
}

/* epoll is opened last: after an error it can be done again. */
static int uring_reopen(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    uring_forget_sends(u);
    uring_drop_datagrams(u);
    int error = uring_renew(u);
    if (error)
        return error;
    for (int fd = 0; fd < u->room; fd++)
        u->readings[fd].wanted = false;
    for (size_t i = 0; i < loop->table_room; i++)
        if (loop->table[i]) {
            loop->table[i]->mode = URING_INHERITED;
            loop->table[i]->sends_later = 0;
        }
    sys_close(u->event); /* the parent's, too */
    u->event = NONE;
    u->polls.ready = false;
    uring_set_wake(u, NULL);
    if (u->epoll_is_open)
        unix_epoll_poller.close(loop, u->epoll);
    return uring_open_epoll(loop, u);
}

static int uring_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct uring *u = state;
    return unix_epoll_poller.attach(loop, u->epoll, io);
}

static void uring_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct uring *u = state;
    struct reading *r = uring_find(u, io);
    if (io->kept)
        uring_end_sending(u, io);
    if (io == u->wake_io)
        uring_set_wake(u, NULL);
    unix_epoll_poller.detach(loop, u->epoll, io);
    if (r)
        uring_end_reading(u, r, io->fd);
}

static void uring_canceled(rondo_loop *loop, void *state, struct io *io)
{
    struct uring *u = state;
    struct reading *r = uring_find(u, io);
    (void)loop;
    if (r)
        uring_add_due(u, r, io->fd);
}

/* The receive of a socket may take bytes before they are asked for. An
 * operation that only waits (of a unix socket, for the descriptors beside the
 * bytes) leaves them in the kernel. */
static bool uring_may_read(const struct uring *u, const struct io *io)
{
    if (io->mode != URING_OWN || !io->op[0])
        return false;
    return io->owner == IO_TRANSPORT ? io->op[0]->task.kind == OP_READ
                                     : io->owner == IO_DATAGRAM &&
                                           io->op[0]->task.kind == OP_RECEIVE &&
                                           u->ring.receives_messages;
}

int uring_watch(rondo_loop *loop, struct uring *u, struct io *io,
                unsigned sides)
{
    return sides == io->registered
               ? 0
               : unix_epoll_poller.set(loop, u->epoll, io, sides);
}

/* What epoll watches beside a receive of the ring's. A receive of datagrams
 * hears nothing of shutdown(2). */
static unsigned uring_beside(const struct reading *r, unsigned sides)
{
    unsigned end = r->large && sides & SIDE_READ ? RONDO_HALF_CLOSED : 0;
    return (sides & SIDE_WRITE) | end;
}

static int uring_set(rondo_loop *loop, void *state, struct io *io,
                     unsigned sides)
{
    struct uring *u = state;
    struct reading *r = uring_find(u, io);
    if (uring_is_wake(u, io)) {
        uring_set_wake(u, sides & SIDE_READ ? io : NULL);
        return 0;
    }
    if (r && uring_is_left(r)) {
        uring_stop(u, r, io->fd);
        if (!uring_has_news(r)) {
            uring_end_reading(u, r, io->fd);
            r = NULL;
        }
    }
    if (!r && sides & SIDE_READ && uring_may_read(u, io)) {
        r = uring_begin_reading(loop, u, io);
        if (!r && io->owner == IO_TRANSPORT)
            return error_set(RONDO_ENOMEM, "out of memory for descriptors");
    }
    if (!r)
        return unix_epoll_poller.set(loop, u->epoll, io, sides);
    int error = uring_want(u, r, io->fd, sides & SIDE_READ);
    if (error)
        return error;
    error = uring_watch(loop, u, io, uring_beside(r, sides));
    if (error)
        (void)uring_want(u, r, io->fd, io->armed & SIDE_READ);
    return error;
}

/* The next wait has something to tell. */
static bool uring_is_ready(const struct uring *u)
{
    bool ready = u->polls.ready || u->wakes.ready || u->failed_count;
    for (int fd = u->told; fd != NONE && !ready; fd = u->readings[fd].next_told)
        ready = u->readings[fd].wanted && uring_has_news(&u->readings[fd]);
    return ready;
}

/* Of what has happened the kernel tells a part at a time, in its order: each
 * receive has its turn in so many calls. */
enum { URING_TELLS = 16 };

static int uring_enter(rondo_loop *loop, struct uring *u, int64_t timeout_ns)
{
    int calls = 2 + u->reads / URING_TELLS;
    do {
        if (ring_enter(&u->ring, timeout_ns) < 0 && errno != EINTR &&
            errno != ETIME && errno != EAGAIN && errno != EBUSY)
            return error_os(error_from_os(errno), "io_uring_enter");
        uring_collect(loop, u);
        uring_look_at_sends(u);
        timeout_ns = 0;
    } while (--calls && ring_wants_enter(&u->ring));
    return 0;
}

static int uring_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct uring *u = state;
    int error = 0;
    uring_take_back(u);
    uring_take_back_datagrams(u);
    uring_look_at_told(loop, u);
    uring_tell_unsent(loop, u);
    uring_ask_due(loop, u);
    uring_poll_both(loop, u);
    if (u->polls.ready || u->wakes.ready || loop->ready_first)
        timeout_ns = 0;
    if (timeout_ns > 0 || ring_wants_enter(&u->ring))
        error = uring_enter(loop, u, timeout_ns);
    uring_tell_woken(loop, u);
    if (u->polls.ready && !error) {
        u->polls.ready = false;
        error = unix_epoll_poller.wait(loop, u->epoll, 0);
    }
    uring_tell_unsent(loop, u);
    return error;
}

static unsigned uring_events(rondo_loop *loop, void *state, const struct io *io,
                             unsigned sides)
{
    struct uring *u = state;
    return unix_epoll_poller.events(loop, u->epoll, io, sides);
}

static int64_t uring_resolution(const void *state)
{
    (void)state;
    return 1;
}

/* An epoll of the program's would not be woken by the ring itself, since the
 * ring's work is deferred; by an eventfd it is. */
static int uring_open_event(struct uring *u)
{
    int event = unix_keep(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (event < 0)
        return error_os(error_from_os(errno), "loop_prepare: eventfd");
    if (ring_tell_event(&u->ring, event) < 0) {
        int error = error_os(error_from_os(errno), "loop_prepare: io_uring");
        sys_close(event);
        return error;
    }
    u->event = event;
    return 0;
}

static int uring_embed(rondo_loop *loop, void *state, rondo_fd *fd,
                       int64_t *timeout_ns)
{
    struct uring *u = state;
    int error = u->event == NONE ? uring_open_event(u) : 0;
    if (error)
        return error;
    /* What comes after this makes it readable anew. */
    const struct wake event = {{u->event, u->event}};
    error = wake_drain(&event);
    uring_ask_due(loop, u);
    uring_poll_both(loop, u);
    if (!error)
        error = uring_enter(NULL, u, 0);
    if (uring_is_ready(u))
        wake_send(&event);
    *timeout_ns = RONDO_NEVER;
    *fd = u->event;
    return error;
}

/* The wake-up is an eventfd, and the kernel puts off the news of one that goes
 * by way of another. */
static void uring_wake(const void *state)
{
    int fd = ((const struct uring *)state)->event;
    const struct wake event = {{fd, fd}};
    if (fd != NONE)
        wake_send(&event);
}

static const struct poller uring_poller = {
    .size = sizeof(struct uring),
    .unset = sizeof(struct uring) - offsetof(struct uring, idle),
    .open = uring_open,
    .close = uring_close,
    .reopen = uring_reopen,
    .attach = uring_attach,
    .detach = uring_detach,
    .set = uring_set,
    .canceled = uring_canceled,
    .wait = uring_wait,
    .events = uring_events,
    .resolution = uring_resolution,
    .embed = uring_embed,
    .wake = uring_wake,
};

/* ---- what the backend has read ---- */

/* No bytes lie here. */
static COLD int64_t uring_receive_none(const struct reading *r,
                                       const struct io *io, void *data,
                                       size_t size)
{
    if (!r || !r->ended)
        return sys_recv(io->fd, data, size);
    if (r->error)
        error_keep_os(r->os_error);
    return r->error;
}

static int64_t uring_receive(rondo_loop *loop, struct io *io, void *data,
                             size_t size)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    if (r && r->first != NONE)
        return (int64_t)uring_take_bytes(u, r, data, size);
    return uring_receive_none(r, io, data, size);
}

/* What lies in one buffer is not copied. What lies in several comes as one
 * piece. */
static int64_t uring_lend(rondo_loop *loop, struct io *io, char **data)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    if (!r || r->first == NONE)
        return uring_receive_none(r, io, *data, LOOP_SCRATCH);
    int first = r->first;
    const struct buffer *b = &u->buffers[first];
    if (b->next != NONE)
        return (int64_t)uring_take_bytes(u, r, *data, LOOP_SCRATCH);
    uring_take_back(u);
    u->lent = first;
    r->first = NONE;
    *data = uring_buffer(u, first) + b->start;
    return b->end - b->start;
}

static size_t uring_take_rest(rondo_loop *loop, struct io *io, void *data,
                              size_t size)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    if (!r)
        return 0;
    if (data)
        return uring_take_bytes(u, r, data, size);
    uring_stop(u, r, io->fd);
    return uring_count_bytes(u, r);
}

/* A ring is of the thread that made it. */
static int uring_move(rondo_loop *loop)
{
    return uring_renew(reactor_state(loop));
}
#else
static int uring_open(rondo_loop *loop, void *state)
{
    (void)loop;
    (void)state;
    return error_set(RONDO_ENOTSUP,
                     "loop_new: built with headers of a Linux before 6.1, "
                     "which do not know enough of io_uring");
}

static const struct poller uring_poller = {.open = uring_open};
#endif

const struct backend backend_io_uring = {
    .name = "io_uring",
    .cannot = UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES, /* as epoll */
    REACTOR(&uring_poller),
#ifdef RING_IS_BUILT
    .receive = uring_receive,
    .lend = uring_lend,
    .lend_datagrams = uring_lend_datagrams,
    .take_rest = uring_take_rest,
    .send_later = uring_send_later,
    .send_datagram_later = uring_send_datagram_later,
    .send_now = uring_send_now,
    .move = uring_move,
#endif
};
#endif
