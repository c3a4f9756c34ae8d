/* select.c - the poller over pselect(2), for descriptors below FD_SETSIZE. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/fifo.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/select.h>

struct select {
    struct io *ios[FD_SETSIZE]; /* by descriptor; NULL: no interest */
    fd_set reading, writing, readable, writable;
    fd_set urgent, has_urgent; /* RONDO_PRIORITY: exceptfds */
    unsigned urgents;          /* those in urgent */
    int last; /* the highest descriptor with interest; -1: none */
    struct fifos fifos;
};

static int select_open(rondo_loop *loop, void *state)
{
    struct select *s = state;
    (void)loop;
    FD_ZERO(&s->reading);
    FD_ZERO(&s->writing);
    FD_ZERO(&s->urgent);
    s->last = -1;
    return 0;
}

static void select_close(rondo_loop *loop, void *state)
{
    struct select *s = state;
    fifo_close(loop, &s->fifos);
}

static int select_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct select *s = state;
    io->registered = 0;
    if (io->fd < FD_SETSIZE)
        return fifo_attach(loop, &s->fifos, io);
    return error_set(RONDO_EMFILE,
                     "descriptor %d is past select's limit of %d (backends "
                     "\"epoll\", \"kqueue\" and \"poll\" have none)",
                     io->fd, FD_SETSIZE);
}

static void select_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct select *s = state;
    (void)loop;
    fifo_detach(&s->fifos, io);
}

static void select_set_urgent(struct select *s, int fd, bool on)
{
    if (FD_ISSET(fd, &s->urgent)) {
        FD_CLR(fd, &s->urgent);
        s->urgents--;
    }
    if (on) {
        FD_SET(fd, &s->urgent);
        s->urgents++;
    }
}

static int select_set(rondo_loop *loop, void *state, struct io *io,
                      unsigned sides)
{
    struct select *s = state;
    (void)loop;
    assert(io->fd >= 0 && io->fd < FD_SETSIZE);
    assert(!s->ios[io->fd] || s->ios[io->fd] == io);
    sides = fifo_sides(io, sides);
    FD_CLR(io->fd, &s->reading);
    FD_CLR(io->fd, &s->writing);
    if (sides & SIDE_READ)
        FD_SET(io->fd, &s->reading);
    if (sides & SIDE_WRITE)
        FD_SET(io->fd, &s->writing);
    select_set_urgent(s, io->fd, sides & RONDO_PRIORITY);
    s->ios[io->fd] = sides ? io : NULL;
    if (io->fd > s->last)
        s->last = io->fd;
    /* pselect's cost grows with the highest descriptor */
    while (s->last >= 0 && !s->ios[s->last])
        s->last--;
    assert(s->last >= -1 && s->last < FD_SETSIZE);
    return 0;
}

/* EBADF does not say which of the descriptors the program has closed. */
static int select_drop_closed(rondo_loop *loop, struct select *s)
{
    assert(s->last < FD_SETSIZE);
    for (int fd = s->last; fd >= 0; fd--)
        if (s->ios[fd] && fcntl(fd, F_GETFD) < 0)
            reactor_lost(loop, s->ios[fd]);
    return 0;
}

static int select_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct select *s = state;
    timeout_ns = fifo_shorten(&s->fifos, timeout_ns);
    struct timespec timeout = unix_timespec(timeout_ns);
    assert(timeout_ns >= 0); /* RONDO_NEVER is the largest number */
    assert(s->last < 0 || s->ios[s->last]);
    s->readable = s->reading;
    s->writable = s->writing;
    if (s->urgents)
        s->has_urgent = s->urgent;
    int count = pselect(s->last + 1, &s->readable, &s->writable,
                        s->urgents ? &s->has_urgent : NULL,
                        timeout_ns == RONDO_NEVER ? NULL : &timeout, NULL);
    if (count < 0 && errno == EBADF)
        return select_drop_closed(loop, s);
    if (count < 0)
        return errno == EINTR ? 0 : error_os(error_from_os(errno), "select");
    for (int fd = s->last; count > 0 && fd >= 0; fd--) {
        unsigned sides = (FD_ISSET(fd, &s->readable) ? SIDE_READ : 0U) |
                         (FD_ISSET(fd, &s->writable) ? SIDE_WRITE : 0U);
        if (s->urgents && FD_ISSET(fd, &s->has_urgent)) {
            sides |= RONDO_PRIORITY;
            count--;
        }
        if (!sides)
            continue;
        assert(s->ios[fd] && s->ios[fd]->fd == fd);
        count -= (sides & SIDE_READ ? 1 : 0) + (sides & SIDE_WRITE ? 1 : 0);
        reactor_ready(loop, s->ios[fd], sides);
    }
    fifo_ask(loop, &s->fifos);
    return 0;
}

static int64_t select_resolution(const void *state)
{
    (void)state;
    return 1;
}

static int select_list(rondo_loop *loop, void *state, rondo_poll_entry *entries,
                       size_t room, int64_t *timeout_ns)
{
    const struct select *s = state;
    size_t count = 0;
    (void)loop;
    for (int fd = 0; fd <= s->last; fd++) {
        const struct io *io = s->ios[fd];
        if (io && count < room)
            entries[count] = (rondo_poll_entry){
                fd, fifo_sides(io, io->armed) & ~(unsigned)WATCH_ALWAYS};
        count += io != NULL;
    }
    *timeout_ns = fifo_shorten(&s->fifos, *timeout_ns);
    return (int)count;
}

static const struct poller select_poller = {
    .size = sizeof(struct select),
    .open = select_open,
    .close = select_close,
    .attach = select_attach,
    .detach = select_detach,
    .set = select_set,
    .wait = select_wait,
    .resolution = select_resolution,
    .list = select_list,
};

const struct backend backend_select = {
    .name = "select",
    .cannot = UINT64_C(1) << RONDO_CAN_EMBED_FD |
              UINT64_C(1) << RONDO_CAN_WATCH_HALF_CLOSE |
              UINT64_C(1) << RONDO_CAN_WATCH_ERRORS,
    .max_number = FD_SETSIZE,
    REACTOR(&select_poller),
};
#endif
