/* epoll.c - the poller of Linux. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/epoll.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EPOLL_BATCH = 256, EPOLL_SLOTS = 16, EPOLL_NO_SLOT = -1 };

/* What an entry of the kernel reports is the number of a slot, not the address
 * of an io, because an entry may outlive its io: if the program closes a
 * descriptor while a duplicate of it lives on, EPOLL_CTL_DEL fails, and the
 * kernel keeps the entry. Its slot retires then: it is NULL until the entry is
 * known to be gone. So an event is of an attached io, or is dropped. */
union epoll_slot {
    struct io *io; /* attached, io->slot is its number; or NULL: retired */
    intptr_t next; /* of a free slot: the next free one; no entry has it */
};

struct epoll {
    int fd;
    bool whole_ms; /* no epoll_pwait2: Linux before 5.11, valgrind 3.19 */
    bool stale;    /* an entry without an io has reported */
    union epoll_slot *slots; /* the first ones, or allocated */
    int room, used, free;    /* of the slots; free: the first one, or none */
    int retired;
    unsigned renewals;
    int next_event;     /* those before it are of descriptors that are done */
    uint64_t iteration; /* for which next_event holds */
    struct epoll_event *events; /* `batch` of them: few, or allocated */
    int batch;
    union epoll_slot first[EPOLL_SLOTS];
    struct epoll_event few[EPOLL_BATCH]; /* last: is not zeroed */
};

/* Calls the kernel directly: glibc has epoll_pwait2 since 2.35 only, musl not
 * at all. */
static int epoll_wait_ns(struct epoll *e, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    struct timespec wait = unix_timespec(timeout_ns);
    /* the kernel wants 64-bit numbers, even where time_t has 32 bits */
    const int64_t timeout[] = {wait.tv_sec, wait.tv_nsec};
    return (int)syscall(SYS_epoll_pwait2, e->fd, e->events, e->batch, timeout,
                        NULL, (size_t)0);
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
    e->free = EPOLL_NO_SLOT;
    e->slots = e->first;
    e->room = EPOLL_SLOTS;
    e->events = e->few;
    e->batch = EPOLL_BATCH;
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
    assert(e->fd > 2); /* reactor_open closes only what has opened */
    if (e->events != e->few)
        loop_free(loop, e->events);
    if (e->slots != e->first)
        loop_free(loop, e->slots);
    sys_close(e->fd);
}

/* ---- slots ---- */

static bool epoll_grow(rondo_loop *loop, struct epoll *e)
{
    int room = e->room + e->room / 2;
    bool first = e->slots == e->first;
    union epoll_slot *slots = loop_realloc(loop, first ? NULL : e->slots,
                                           (size_t)room * sizeof *slots);
    if (!slots)
        return false;
    if (first)
        memcpy(slots, e->first, sizeof e->first);
    e->slots = slots;
    e->room = room;
    return true;
}

/* false: out of memory. */
static bool epoll_take_slot(rondo_loop *loop, struct epoll *e, struct io *io)
{
    assert(io->slot == EPOLL_NO_SLOT);
    int slot = e->free;
    if (slot != EPOLL_NO_SLOT)
        e->free = (int)e->slots[slot].next;
    else if (e->used < e->room || epoll_grow(loop, e))
        slot = e->used++;
    else
        return false;
    e->slots[slot].io = io;
    io->slot = slot;
    return true;
}

static void epoll_free_slot(struct epoll *e, int slot)
{
    assert(slot >= 0 && slot < e->used);
    e->slots[slot].next = e->free;
    e->free = slot;
}

static void epoll_retire_slot(struct epoll *e, struct io *io)
{
    assert(e->slots[io->slot].io == io);
    e->slots[io->slot].io = NULL;
    e->retired++;
    io->slot = EPOLL_NO_SLOT;
    io->registered = 0;
}

/* There are no stale entries: each slot without an io is free. */
static void epoll_free_retired(const rondo_loop *loop, struct epoll *e)
{
    for (int slot = 0; slot < e->used; slot++)
        e->slots[slot].io = NULL;
    for (size_t i = 0; i < loop->table_room; i++) {
        struct io *io = loop->table[i];
        if (io && io->slot != EPOLL_NO_SLOT)
            e->slots[io->slot].io = io;
    }
    e->retired = 0;
    e->free = EPOLL_NO_SLOT;
    for (int slot = 0; slot < e->used; slot++)
        if (!e->slots[slot].io)
            epoll_free_slot(e, slot);
}

/* ---- entries ---- */

static int epoll_change(int epoll, int how, const struct io *io, unsigned sides)
{
    struct epoll_event event = {.data.u64 = (uint64_t)io->slot};
    assert(io->slot >= 0);
    if (sides & SIDE_READ)
        event.events |= EPOLLIN;
    if (sides & SIDE_WRITE)
        event.events |= EPOLLOUT;
    if (sides & RONDO_PRIORITY)
        event.events |= EPOLLPRI;
    if (sides & RONDO_HALF_CLOSED)
        event.events |= EPOLLRDHUP;
    return epoll_ctl(epoll, how, io->fd, &event);
}

static int epoll_add(rondo_loop *loop, struct epoll *e, struct io *io,
                     unsigned sides)
{
    if (io->slot == EPOLL_NO_SLOT && !epoll_take_slot(loop, e, io)) {
        errno = ENOMEM;
        return -1;
    }
    if (epoll_change(e->fd, EPOLL_CTL_ADD, io, sides) == 0)
        return 0;
    /* EEXIST: a stale entry, whose descriptor's number this duplicate of it has
     * now: the entry is not stale any more. */
    return errno == EEXIST ? epoll_change(e->fd, EPOLL_CTL_MOD, io, sides) : -1;
}

/* Without interest there is no entry, because epoll reports hang-ups and errors
 * of an entry that asks for nothing. */
static int epoll_control(rondo_loop *loop, struct epoll *e, struct io *io,
                         unsigned sides)
{
    unsigned before = io->registered;
    assert(io->fd >= 0);
    if (before) {
        int how = sides ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
        if (epoll_change(e->fd, how, io, sides) == 0)
            return 0;
        /* The program closed the descriptor: the entry is gone, or stale. */
        epoll_retire_slot(e, io);
    }
    /* Its number may name a new file. */
    if (!sides || epoll_add(loop, e, io, sides) == 0)
        return 0;
    return sides & ~before ? -1 : 0;
}

/* ---- a new epoll, without stale entries ---- */

static int epoll_enter(rondo_loop *loop, struct epoll *e, struct io *io, int fd)
{
    if (io->slot == EPOLL_NO_SLOT && !epoll_take_slot(loop, e, io))
        return -1;
    if (epoll_change(fd, EPOLL_CTL_ADD, io, io->registered) == 0)
        return 0;
    if (errno != EBADF && errno != EPERM)
        return -1;
    epoll_retire_slot(e, io); /* closed; EPERM: its number is a file's now */
    return 0;
}

/* A stale entry reports for ever, and only the closed descriptor could remove
 * it. A new epoll with all other entries takes the place and the number of the
 * old one. Without a descriptor or memory for that the old one stays, and the
 * next event of the entry tries again. */
static COLD void epoll_renew(rondo_loop *loop, struct epoll *e)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    bool whole = fd >= 0;
    for (size_t i = 0; whole && i < loop->table_room; i++) {
        struct io *io = loop->table[i];
        if (io && io->registered)
            whole = epoll_enter(loop, e, io, fd) == 0;
    }
    whole = whole && dup3(fd, e->fd, O_CLOEXEC) == e->fd;
    if (fd >= 0)
        sys_close(fd);
    if (!whole)
        return;
    e->renewals++;
    epoll_free_retired(loop, e);
    for (size_t i = 0; i < loop->table_room; i++) {
        struct io *io = loop->table[i];
        if (io && io->armed && io->slot == EPOLL_NO_SLOT)
            reactor_lost(loop, io);
    }
}

unsigned unix_epoll_renewals(const void *state)
{
    return ((const struct epoll *)state)->renewals;
}

static int epoll_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct epoll *e = state;
    if (e->retired > EPOLL_SLOTS && e->retired > e->used / 2)
        epoll_renew(loop, e);
    if (epoll_take_slot(loop, e, io))
        return 0;
    return error_set(RONDO_ENOMEM, "out of memory for descriptors");
}

static void epoll_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct epoll *e = state;
    (void)loop;
    assert(!io->armed);
    if (io->slot == EPOLL_NO_SLOT)
        return;
    assert(e->slots[io->slot].io == io);
    epoll_free_slot(e, io->slot);
    io->slot = EPOLL_NO_SLOT;
}

static int epoll_set(rondo_loop *loop, void *state, struct io *io,
                     unsigned sides)
{
    if (epoll_control(loop, state, io, sides) == 0) {
        io->registered = (unsigned char)sides;
        return 0;
    }
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
    if (timeout_ns == 0 || timeout_ns == RONDO_NEVER)
        return epoll_wait(e->fd, e->events, e->batch, timeout_ns ? -1 : 0);
    if (e->whole_ms)
        return epoll_wait(e->fd, e->events, e->batch,
                          unix_timeout_ms(timeout_ns));
    return epoll_wait_ns(e, timeout_ns);
}

/* More may be ready than there was room for. None of them is lost, since they
 * are level-triggered: a wait with room for each entry reports all of them.
 * Without memory for that the rest waits for the next iteration. */
static COLD int epoll_wait_for_all(rondo_loop *loop, struct epoll *e, int count)
{
    assert(count == e->batch);
    if (e->batch >= e->used)
        return count;
    int batch = e->used + e->used / 2;
    struct epoll_event *events =
        loop_realloc(loop, e->events == e->few ? NULL : e->events,
                     (size_t)batch * sizeof *events);
    if (!events)
        return count;
    e->events = events;
    e->batch = batch;
    return epoll_wait(e->fd, events, batch, 0);
}

/* What calls for the reading side; a watch alone asks for the last two. */
enum { EPOLL_READS = EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLPRI | EPOLLRDHUP };

static unsigned epoll_events_of(uint32_t events)
{
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? RONDO_READABLE : 0U) |
           (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? RONDO_WRITABLE : 0U) |
           (events & EPOLLPRI ? RONDO_PRIORITY : 0U) |
           (events & EPOLLRDHUP ? RONDO_HALF_CLOSED : 0U) |
           (events & EPOLLERR ? RONDO_ERROR : 0U) |
           (events & EPOLLHUP ? RONDO_HANG_UP : 0U);
}

/* The wait takes the events in their order, and one of each descriptor: so the
 * search goes on where the last one has ended. */
static unsigned epoll_events(rondo_loop *loop, void *state, const struct io *io,
                             unsigned sides)
{
    struct epoll *e = state;
    if (e->iteration != loop->metrics.iterations)
        e->next_event = 0;
    e->iteration = loop->metrics.iterations;
    for (int i = e->next_event; i < e->batch; i++)
        if (e->events[i].data.u64 == (uint64_t)io->slot) {
            e->next_event = i + 1;
            return epoll_events_of(e->events[i].events);
        }
    return sides;
}

static COLD void epoll_report(rondo_loop *loop, struct io *io, uint32_t events)
{
    reactor_ready(
        loop, io,
        (events & EPOLL_READS ? SIDE_READ : 0U) |
            (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? SIDE_WRITE : 0U));
}

static int epoll_wait_once(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct epoll *e = state;
    assert(timeout_ns >= 0); /* RONDO_NEVER is the largest number */
    int count = epoll_wait_events(e, timeout_ns);
    if (count == e->batch)
        count = epoll_wait_for_all(loop, e, count);
    if (count < 0) {
        if (errno == EINTR)
            return 0;
        return error_os(error_from_os(errno), "epoll_wait");
    }
    const struct epoll_event *event = e->events;
    for (int i = 0; i < count; i++, event++) {
        struct io *io = e->slots[event->data.u64].io;
        if (!io)
            e->stale = true;
        else if (event->events == EPOLLIN) /* most of them */
            reactor_ready(loop, io, SIDE_READ);
        else
            epoll_report(loop, io, event->events);
    }
    if (e->stale) {
        e->stale = false;
        epoll_renew(loop, e);
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

const struct poller unix_epoll_poller = {
    .size = sizeof(struct epoll),
    .unset = sizeof((struct epoll *)0)->few,
    .open = epoll_open,
    .close = epoll_close,
    .attach = epoll_attach,
    .detach = epoll_detach,
    .set = epoll_set,
    .wait = epoll_wait_once,
    .events = epoll_events,
    .resolution = epoll_resolution,
    .embed = epoll_embed,
};

const struct backend backend_epoll = {
    .name = "epoll",
    /* Linux refuses devices whose driver cannot be polled, as /dev/null */
    .cannot = UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES,
    REACTOR(&unix_epoll_poller),
};
#endif
