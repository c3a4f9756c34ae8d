/* poll.c - the poller over poll(2), which every Unix has. */
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
#include <poll.h>
#include <sys/stat.h>

/* macOS: poll(2) is a kqueue and refuses devices that it would not watch, with
 * POLLNVAL. The tests compile this on Linux. */
#ifdef __APPLE__
#define POLL_IS_KQUEUE
#endif
#ifdef __NetBSD__ /* ppoll: since 10 only */
#define ppoll pollts
#endif
#ifdef POLL_IS_KQUEUE
enum { POLL_TAKES_ALL = 0 };
#else
enum { POLL_TAKES_ALL = 1 };
#endif
#ifdef POLLRDHUP /* Linux; FreeBSD 13 */
enum { POLL_TELLS_ENDS = 1 };
#else
enum { POLL_TELLS_ENDS = 0 };
#define POLLRDHUP 0
#endif

/* Two arrays with one entry for each descriptor that has interest; io->slot is
 * the index into both. */
struct poll {
    struct pollfd *fds;
    struct io **ios;
    size_t used, room;
    struct fifos fifos;
};

static int poll_open(rondo_loop *loop, void *state)
{
    (void)loop;
    (void)state;
    return 0;
}

static void poll_close(rondo_loop *loop, void *state)
{
    struct poll *p = state;
    assert(p->used <= p->room);
    loop_free(loop, p->fds);
    loop_free(loop, p->ios);
    fifo_close(loop, &p->fifos);
}

/* A bit of io->registered: POLLNVAL is to be expected. */
enum { POLL_DEVICE = FIFO_LAST << 1 };

static int poll_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct poll *p = state;
    io->registered = 0;
#ifdef POLL_IS_KQUEUE
    struct stat status;
    if ((io->owner == IO_WATCHER || io->owner == IO_PIPE) &&
        fstat(io->fd, &status) == 0 && S_ISCHR(status.st_mode))
        io->registered = POLL_DEVICE;
#endif
    return fifo_attach(loop, &p->fifos, io);
}

static void poll_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct poll *p = state;
    (void)loop;
    assert(io->slot < 0);
    fifo_detach(&p->fifos, io);
}

static int poll_grow(rondo_loop *loop, struct poll *p)
{
    size_t room = p->room ? p->room * 2 : 16;
    struct pollfd *fds = loop_realloc(loop, p->fds, room * sizeof *fds);
    if (fds)
        p->fds = fds;
    struct io **ios = loop_realloc(loop, p->ios, room * sizeof(struct io *));
    if (ios)
        p->ios = ios;
    if (!fds || !ios)
        return error_set(RONDO_ENOMEM, "out of memory for poll's descriptors");
    assert(room > p->used);
    p->room = room;
    return 0;
}

/* The last entry takes the place of the one that goes. */
static void poll_drop(struct poll *p, struct io *io)
{
    assert(io->slot >= 0 && (size_t)io->slot < p->used);
    assert(p->ios[io->slot] == io && p->fds[io->slot].fd == io->fd);
    size_t last = --p->used, slot = (size_t)io->slot;
    p->fds[slot] = p->fds[last];
    p->ios[slot] = p->ios[last];
    p->ios[slot]->slot = (int)slot;
    io->slot = -1;
}

static int poll_refuse(const struct io *io)
{
    if (fcntl(io->fd, F_GETFD) < 0)
        return error_os(error_from_os(errno), "poll: descriptor %d", io->fd);
    error_no_os();
    return error_set(RONDO_EPERM,
                     "poll refuses descriptor %d (backend \"select\" takes it)",
                     io->fd);
}

/* Asks for a device beforehand, so that its user gets the error. */
static int poll_check(const struct io *io, short events)
{
    struct pollfd asked = {.fd = io->fd, .events = events};
    if (!(io->registered & POLL_DEVICE) || poll(&asked, 1, 0) <= 0 ||
        !(asked.revents & POLLNVAL))
        return 0;
    return poll_refuse(io);
}

/* The kernel refuses what is closed, and what it does not watch. */
static void poll_refused(rondo_loop *loop, struct io *io)
{
    int error = poll_refuse(io);
    if (error != RONDO_EPERM) {
        reactor_lost(loop, io);
        return;
    }
    reactor_refused(loop, io, SIDE_READ, error);
    reactor_refused(loop, io, SIDE_WRITE, error);
}

static int poll_set(rondo_loop *loop, void *state, struct io *io,
                    unsigned sides)
{
    struct poll *p = state;
    sides = fifo_sides(io, sides);
    if (!sides) {
        if (io->slot >= 0)
            poll_drop(p, io);
        return 0;
    }
    short events = (short)((sides & SIDE_READ ? POLLIN : 0) |
                           (sides & SIDE_WRITE ? POLLOUT : 0) |
                           (sides & RONDO_PRIORITY ? POLLPRI : 0) |
                           (sides & RONDO_HALF_CLOSED ? POLLRDHUP : 0));
    if (io->slot < 0) {
        int error = poll_check(io, events);
        if (!error && p->used == p->room)
            error = poll_grow(loop, p);
        if (error)
            return error;
        io->slot = (int)p->used;
        p->ios[p->used] = io;
        p->fds[p->used++] = (struct pollfd){.fd = io->fd};
    }
    assert(p->used <= p->room && p->ios[io->slot] == io);
    p->fds[io->slot].events = events;
    return 0;
}

static int poll_wait_for_any(struct poll *p, int64_t timeout_ns)
{
#ifdef __APPLE__
    return poll(p->fds, (nfds_t)p->used, unix_timeout_ms(timeout_ns));
#else
    struct timespec timeout = unix_timespec(timeout_ns);
    return ppoll(p->fds, (nfds_t)p->used,
                 timeout_ns == RONDO_NEVER ? NULL : &timeout, NULL);
#endif
}

static int64_t poll_resolution(const void *state)
{
    (void)state;
#ifdef __APPLE__
    return 1000000;
#else
    return 1;
#endif
}

/* The kernel says so: SIDE_WRITE, or 0 if it is wrong. */
static unsigned poll_check_writable(rondo_loop *loop, struct poll *p,
                                    struct io *io)
{
    if (!fifo_is_false_alarm(io))
        return SIDE_WRITE;
    (void)poll_set(loop, p, io, io->armed);
    return 0;
}

static unsigned poll_events(rondo_loop *loop, void *state, const struct io *io,
                            unsigned sides)
{
    const struct poll *p = state;
    (void)loop;
    int events = io->slot < 0 ? 0 : p->fds[io->slot].revents;
    return sides |
           (events & (POLLIN | POLLHUP | POLLERR) ? RONDO_READABLE : 0U) |
           (events & POLLPRI ? RONDO_PRIORITY : 0U) |
           (events & POLLRDHUP ? RONDO_HALF_CLOSED : 0U) |
           (events & POLLERR ? RONDO_ERROR : 0U) |
           (events & POLLHUP ? RONDO_HANG_UP : 0U);
}

static int poll_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct poll *p = state;
    assert(timeout_ns >= 0); /* RONDO_NEVER is the largest number */
    int count = poll_wait_for_any(p, fifo_shorten(&p->fifos, timeout_ns));
    if (count < 0)
        return errno == EINTR ? 0 : error_os(error_from_os(errno), "poll");
    /* From the end, because poll_drop moves the last entry, which has been
     * looked at by then. */
    for (size_t i = p->used; count > 0 && i-- > 0;) {
        short events = p->fds[i].revents;
        unsigned sides = 0;
        if (!events)
            continue;
        assert(p->ios[i]->slot == (int)i);
        count--;
        if (events & POLLNVAL) {
            poll_refused(loop, p->ios[i]);
            continue;
        }
        if (events & (POLLIN | POLLHUP | POLLERR | POLLPRI | POLLRDHUP))
            sides |= SIDE_READ;
        if (events & (POLLHUP | POLLERR))
            sides |= SIDE_WRITE;
        else if (events & POLLOUT)
            sides |= poll_check_writable(loop, p, p->ios[i]);
        if (sides)
            reactor_ready(loop, p->ios[i], sides);
    }
    fifo_ask(loop, &p->fifos);
    return 0;
}

static int poll_list(rondo_loop *loop, void *state, rondo_poll_entry *entries,
                     size_t room, int64_t *timeout_ns)
{
    const struct poll *p = state;
    (void)loop;
    for (size_t i = 0; i < p->used && i < room; i++)
        entries[i] = (rondo_poll_entry){
            p->fds[i].fd,
            fifo_sides(p->ios[i], p->ios[i]->armed) & ~(unsigned)WATCH_ALWAYS};
    *timeout_ns = fifo_shorten(&p->fifos, *timeout_ns);
    return (int)p->used;
}

static const struct poller poll_poller = {
    .size = sizeof(struct poll),
    .open = poll_open,
    .close = poll_close,
    .attach = poll_attach,
    .detach = poll_detach,
    .set = poll_set,
    .wait = poll_wait,
    .events = poll_events,
    .resolution = poll_resolution,
    .list = poll_list,
};

const struct backend backend_poll = {
    .name = "poll",
    .cannot = UINT64_C(1) << RONDO_CAN_EMBED_FD |
              (POLL_TAKES_ALL ? 0
                              : UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES |
                                    UINT64_C(1) << RONDO_CAN_WATCH_PRIORITY) |
              (POLL_TELLS_ENDS ? 0 : UINT64_C(1) << RONDO_CAN_WATCH_HALF_CLOSE),
    REACTOR(&poll_poller),
};
#endif
