/* epoll.c - the poller of Linux. */
/* SPDX-License-Identifier: MIT */
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EPOLL_BATCH = 256 };

struct epoll {
    int fd;
    bool whole_ms; /* no epoll_pwait2: Linux before 5.11, valgrind 3.19 */
    struct epoll_event events[EPOLL_BATCH];
};

/* Calls the kernel directly: glibc has epoll_pwait2 since 2.35 only, musl not
 * at all. */
static int epoll_wait_ns(struct epoll *e, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    struct timespec wait = unix_timespec(timeout_ns);
    /* the kernel wants 64-bit numbers, even where time_t has 32 bits */
    const int64_t timeout[] = {wait.tv_sec, wait.tv_nsec};
    return (int)syscall(SYS_epoll_pwait2, e->fd, e->events, EPOLL_BATCH,
                        timeout, NULL, (size_t)0);
#else
    (void)e;
    (void)timeout_ns;
    errno = ENOSYS;
    return -1;
#endif
}

static int epoll_open(rondo_loop *loop, void *state)
{
    struct epoll *e = state;
    (void)loop;
    e->fd = unix_keep(epoll_create1(EPOLL_CLOEXEC));
    if (e->fd < 0)
        return error_os(error_from_os(errno), "loop_new: epoll_create1");
    assert(e->fd > 2);
    e->whole_ms = epoll_wait_ns(e, 0) < 0;
    return 0;
}

static void epoll_close(rondo_loop *loop, void *state)
{
    struct epoll *e = state;
    (void)loop;
    assert(e->fd > 2); /* reactor_open closes only what has opened */
    sys_close(e->fd);
}

static int epoll_control(const struct epoll *e, struct io *io, unsigned sides)
{
    /* Without interest there is no entry, because epoll reports hang-ups and
     * errors of an entry that asks for nothing. */
    assert(io->armed || sides);
    assert(io->fd >= 0 && !(sides & ~(unsigned)(SIDE_READ | SIDE_WRITE)));
    struct epoll_event event = {.data.ptr = io};
    if (sides & SIDE_READ)
        event.events |= EPOLLIN;
    if (sides & SIDE_WRITE)
        event.events |= EPOLLOUT;
    int how = !io->armed ? EPOLL_CTL_ADD
              : sides    ? EPOLL_CTL_MOD
                         : EPOLL_CTL_DEL;
    if (epoll_ctl(e->fd, how, io->fd, &event) == 0)
        return 0;
    /* ENOENT: the program closed the descriptor, and its number names a new
     * file. EEXIST: the entry of a closed descriptor is still there, because
     * the program has a duplicate of it. */
    if (how == EPOLL_CTL_MOD && errno == ENOENT)
        return epoll_ctl(e->fd, EPOLL_CTL_ADD, io->fd, &event);
    if (how == EPOLL_CTL_ADD && errno == EEXIST)
        return epoll_ctl(e->fd, EPOLL_CTL_MOD, io->fd, &event);
    return -1;
}

static int epoll_set(rondo_loop *loop, void *state, struct io *io,
                     unsigned sides)
{
    (void)loop;
    if (epoll_control(state, io, sides) == 0)
        return 0;
    int error = error_from_os(errno);
    if (error == RONDO_EPERM)
        return error_os(error,
                        "epoll refuses descriptor %d (backends \"poll\" "
                        "and \"select\" take it)",
                        io->fd);
    return error_os(error, "epoll_ctl on descriptor %d", io->fd);
}

static int epoll_wait_events(struct epoll *e, int64_t timeout_ns)
{
    if (timeout_ns == 0 || timeout_ns == RONDO_NEVER || e->whole_ms)
        return epoll_wait(e->fd, e->events, EPOLL_BATCH,
                          unix_timeout_ms(timeout_ns));
    return epoll_wait_ns(e, timeout_ns);
}

static int epoll_wait_once(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct epoll *e = state;
    assert(timeout_ns >= 0); /* RONDO_NEVER is the largest number */
    int count = epoll_wait_events(e, timeout_ns);
    if (count < 0) {
        if (errno == EINTR)
            return 0;
        return error_os(error_from_os(errno), "epoll_wait");
    }
    for (int i = 0; i < count; i++) {
        uint32_t events = e->events[i].events;
        unsigned sides = 0;
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            sides |= SIDE_READ;
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            sides |= SIDE_WRITE;
        reactor_ready(loop, e->events[i].data.ptr, sides);
    }
    return 0;
}

static int epoll_embed(rondo_loop *loop, void *state, rondo_fd *fd,
                       int64_t *timeout_ns)
{
    (void)loop;
    *timeout_ns = RONDO_NEVER;
    *fd = ((const struct epoll *)state)->fd;
    assert(*fd > 2);
    return 0;
}

static int64_t epoll_resolution(const void *state)
{
    return ((const struct epoll *)state)->whole_ms ? 1000000 : 1;
}

static const struct poller epoll_poller = {
    .size = sizeof(struct epoll),
    .open = epoll_open,
    .close = epoll_close,
    .set = epoll_set,
    .wait = epoll_wait_once,
    .resolution = epoll_resolution,
    .embed = epoll_embed,
};

const struct backend backend_epoll = {
    .name = "epoll",
    /* Linux refuses devices whose driver cannot be polled, as /dev/null */
    .cannot = UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES,
    REACTOR(&epoll_poller),
};
#else
typedef int no_epoll_here;
#endif
