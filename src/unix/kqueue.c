/* kqueue.c - the poller of macOS and the BSDs. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef RONDO_KQUEUE
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/fifo.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/time.h>
#if defined(__NetBSD__) || defined(__OpenBSD__)
#include <sys/sysctl.h>
#endif

#ifdef __NetBSD__
typedef size_t event_count;
#else
typedef int event_count;
#endif

enum {
    KQUEUE_WAITING = 128, /* descriptors whose changes wait */
    KQUEUE_BATCH = 256    /* two changes of each, or an error of each change;
                             events: at first */
};

enum { BOTH_SIDES = SIDE_READ | SIDE_WRITE };

/* A bit of io->registered: a character device. */
enum { KQUEUE_DEVICE = FIFO_LAST << 1 };

/* io->mode of a watch. MODE_END: the end of the data is asked for and the data
 * are not, so they are reported once and no more (EV_CLEAR). MODE_URGENT: the
 * filter of urgent data is registered. */
enum { MODE_END = 1, MODE_URGENT = 2 };

/* The next wait registers changes with the kernel, in the same call of kevent.
 * Until then a descriptor whose interest differs from what is registered waits
 * in a list; io->slot is its index there. The interest of a watcher is
 * registered at once, because the caller of rondo_add_reader gets the error. */
struct kqueue {
    int fd;
    uint32_t generation; /* sys_fork_generation when it was created */
    bool unsure; /* a call has failed, and may have made some changes before */
    unsigned waiting_count;
    struct io *waiting[KQUEUE_WAITING];
    struct fifos fifos;
    const struct kevent *event; /* the one that is told now */
    struct kevent *events;      /* changes, then events: few, or allocated */
    int batch;                  /* room of events */
    struct kevent few[KQUEUE_BATCH];
};

static int kqueue_open(rondo_loop *loop, void *state)
{
    struct kqueue *k = state;
    (void)loop;
    k->events = k->few;
    k->batch = KQUEUE_BATCH;
    k->fd = unix_keep(kqueue());
    if (k->fd < 0)
        return error_os(error_from_os(errno), "loop_new: kqueue");
    assert(k->fd > 2);
    k->generation = sys_fork_generation;
    return 0;
}

/* A forked child inherits no kqueue: there the number may name another file. */
static void kqueue_close(rondo_loop *loop, void *state)
{
    struct kqueue *k = state;
    fifo_close(loop, &k->fifos);
    if (k->events != k->few)
        loop_free(loop, k->events);
    if (k->generation == sys_fork_generation)
        sys_close(k->fd);
}

/* ---- what the kernel refuses ---- */

static bool kqueue_is_open(const struct io *io)
{
    return fcntl(io->fd, F_GETFD) >= 0;
}

/* What the error of adding a side means; POLLER_READY: the side is ready. */
static int kqueue_refused(const struct io *io, unsigned side, int os_error)
{
    int error = error_from_os(os_error);
    assert(side == SIDE_READ || side == SIDE_WRITE);
    /* EPIPE, on NetBSD EBADF: the reader of this pipe has left. The write that
     * follows finds that out. */
    if (side == SIDE_WRITE &&
        (os_error == EPIPE || (os_error == EBADF && kqueue_is_open(io))))
        return POLLER_READY;
    switch (os_error) {
    case EINVAL:     /* macOS, OpenBSD */
    case ENODEV:     /* FreeBSD */
    case EOPNOTSUPP: /* NetBSD, OpenBSD */
    case EPERM:
        return error_os(RONDO_EPERM,
                        "kqueue refuses descriptor %d (backend \"select\" "
                        "takes it)",
                        io->fd);
    default:
        return error_os(error, "kevent on descriptor %d", io->fd);
    }
}

/* ---- changes ---- */

/* udata is a pointer, on NetBSD before 10 an intptr_t: so it is copied. */
_Static_assert(sizeof(((struct kevent *)0)->udata) == sizeof(struct io *),
               "udata has room for a pointer");

static void kqueue_put_io(struct kevent *event, struct io *io)
{
    memcpy(&event->udata, &io, sizeof io);
}

static struct io *kqueue_io_of(const struct kevent *event)
{
    struct io *io;
    memcpy(&io, &event->udata, sizeof io);
    return io;
}

static struct kevent kqueue_change_of(struct io *io, unsigned side, bool add)
{
    /* by name: the order and the types of the members differ by system */
    struct kevent change = {.ident = (uintptr_t)io->fd};
    change.filter = side == SIDE_READ ? EVFILT_READ : EVFILT_WRITE;
    change.flags = add ? EV_ADD : EV_DELETE;
    if (add && side == SIDE_READ && io->mode & MODE_END)
        change.flags |= EV_CLEAR;
    kqueue_put_io(&change, io);
    /* macOS takes devices whose driver does not count bytes, as /dev/null and
     * /dev/tty, only with this (since 10.12: filt_specattach) */
    if (io->registered & KQUEUE_DEVICE) {
        change.fflags = NOTE_LOWAT;
        change.data = 1;
    }
    return change;
}

/* ---- urgent data ---- */

#ifdef EVFILT_EXCEPT
/* macOS's filter (xnu: filt_soread_common) reports data and the end as well. A
 * mark above what any buffer holds and EV_CLEAR keep it quiet about these.
 * OpenBSD's (filt_soexcept) reports urgent data alone. */
static struct kevent kqueue_urgent_change(struct io *io, bool add)
{
    struct kevent change = {.ident = (uintptr_t)io->fd};
    change.filter = EVFILT_EXCEPT;
    change.flags = add ? EV_ADD | EV_CLEAR : EV_DELETE;
    change.fflags = add ? NOTE_OOB | NOTE_LOWAT : 0;
    change.data = add ? INT_MAX : 0;
    kqueue_put_io(&change, io);
    return change;
}

static int kqueue_register_urgent(const struct kqueue *k, struct io *io,
                                  bool wanted)
{
    if (wanted == ((io->mode & MODE_URGENT) != 0))
        return 0;
    struct kevent change = kqueue_urgent_change(io, wanted);
    if (kevent(k->fd, &change, 1, NULL, 0, NULL) < 0 && errno != EINTR &&
        wanted)
        return kqueue_refused(io, SIDE_READ, errno);
    io->mode ^= MODE_URGENT;
    return 0;
}

static bool kqueue_is_urgent(const struct kevent *event)
{
    return event->filter == EVFILT_EXCEPT;
}

/* With EV_EOF fflags is an error. The mark stays until it is read past, so the
 * filter is registered anew, which reports it again. */
static bool kqueue_take_urgent(const struct kqueue *k,
                               const struct kevent *event)
{
    struct io *io = kqueue_io_of(event);
    if (event->flags & (EV_EOF | EV_ERROR) || !(event->fflags & NOTE_OOB))
        return false;
    (void)kqueue_register_urgent(k, io, false);
    (void)kqueue_register_urgent(k, io, true);
    return true;
}
#else /* FreeBSD, NetBSD */
static int kqueue_register_urgent(const struct kqueue *k, struct io *io,
                                  bool wanted)
{
    (void)k;
    (void)io;
    (void)wanted; /* never: rondo_watch refuses it */
    return 0;
}

static bool kqueue_is_urgent(const struct kevent *event)
{
    (void)event;
    return false;
}

static bool kqueue_take_urgent(const struct kqueue *k,
                               const struct kevent *event)
{
    (void)k;
    (void)event;
    return false;
}
#endif

/* ---- registering ---- */

/* Makes each change with a call of its own. Without room for events kevent
 * returns the error itself, and takes no event. An error of removing means that
 * the kernel has removed the entry already. */
static int kqueue_register_now(struct kqueue *k, struct io *io, unsigned sides)
{
    bool end = sides & RONDO_HALF_CLOSED && !(sides & SIDE_READ);
    int error = kqueue_register_urgent(k, io, sides & RONDO_PRIORITY);
    if (error)
        return error;
    io->mode = (unsigned char)((io->mode & MODE_URGENT) | (end ? MODE_END : 0));
    sides = fifo_sides(io, end ? sides | SIDE_READ : sides);
    for (unsigned side = SIDE_READ; side <= SIDE_WRITE; side++) {
        if (!((sides ^ io->registered) & side))
            continue;
        struct kevent change = kqueue_change_of(io, side, sides & side);
        /* EINTR: the change has been made */
        if (kevent(k->fd, &change, 1, NULL, 0, NULL) < 0 && errno != EINTR &&
            sides & side)
            return kqueue_refused(io, side, errno);
        io->registered ^= (unsigned char)side;
    }
    return 0;
}

static void kqueue_stop_waiting(struct kqueue *k, struct io *io)
{
    assert(io->slot >= 0 && (unsigned)io->slot < k->waiting_count);
    assert(k->waiting[io->slot] == io);
    struct io *last = k->waiting[--k->waiting_count];
    k->waiting[io->slot] = last;
    last->slot = io->slot;
    io->slot = -1;
}

static int kqueue_set(rondo_loop *loop, void *state, struct io *io,
                      unsigned sides)
{
    struct kqueue *k = state;
    (void)loop;
    assert(!(sides & ~(unsigned)BOTH_SIDES) || io->owner == IO_WATCHER);
    if (io->slot >= 0)
        return 0; /* kqueue_take_changes will look at io->armed */
    assert(k->waiting_count <= KQUEUE_WAITING);
    if (io->owner == IO_WATCHER || k->waiting_count == KQUEUE_WAITING)
        return kqueue_register_now(k, io, sides);
    io->slot = (int)k->waiting_count;
    k->waiting[k->waiting_count++] = io;
    return 0;
}

/* Puts the changes of all that wait into k->events; returns how many. */
static event_count kqueue_take_changes(struct kqueue *k, bool receipts)
{
    event_count count = 0;
    for (unsigned i = 0; i < k->waiting_count; i++) {
        struct io *io = k->waiting[i];
        assert(io->slot == (int)i);
        unsigned wanted = fifo_sides(io, io->armed);
        unsigned differs = wanted ^ io->registered;
        if (k->unsure)
            differs |= wanted;
        for (unsigned side = SIDE_READ; side <= SIDE_WRITE; side++) {
            if (!(differs & side))
                continue;
            struct kevent change = kqueue_change_of(io, side, wanted & side);
            if (receipts)
                change.flags |= EV_RECEIPT;
            k->events[count++] = change;
        }
        io->registered |= (unsigned char)wanted;
    }
    assert(count <= KQUEUE_BATCH);
    return count;
}

/* The kernel has made all changes, except those whose error comes as an event:
 * kqueue_change_failed corrects these. */
static void kqueue_changes_made(struct kqueue *k)
{
    for (unsigned i = 0; i < k->waiting_count; i++) {
        struct io *io = k->waiting[i];
        io->registered =
            (unsigned char)((io->registered & ~(unsigned)BOTH_SIDES) |
                            fifo_sides(io, io->armed));
        io->slot = -1;
    }
    k->waiting_count = 0;
    k->unsure = false;
}

static void kqueue_change_failed(rondo_loop *loop, struct io *io, unsigned side,
                                 int os_error)
{
    io->registered &= (unsigned char)~side;
    if (!(fifo_sides(io, io->armed) & side))
        return; /* ENOENT, EBADF: the kernel has removed it already */
    int error = kqueue_refused(io, side, os_error);
    reactor_refused(loop, io, side, error == POLLER_READY ? 0 : error);
}

/* ---- attaching ---- */

static int kqueue_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct kqueue *k = state;
    struct stat status;
    assert(io->slot < 0);
    io->registered = io->mode = 0;
    if ((io->owner == IO_WATCHER || io->owner == IO_PIPE) &&
        fstat(io->fd, &status) == 0 && S_ISCHR(status.st_mode))
        io->registered = KQUEUE_DEVICE;
    return fifo_attach(loop, &k->fifos, io);
}

static void kqueue_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct kqueue *k = state;
    (void)loop;
    if (io->slot >= 0)
        kqueue_stop_waiting(k, io);
    (void)kqueue_register_now(k, io, 0);
    fifo_detach(&k->fifos, io);
}

/* ---- waiting ---- */

static void kqueue_take_event(rondo_loop *loop, struct kqueue *k,
                              const struct kevent *event)
{
    struct io *io = kqueue_io_of(event);
    unsigned side = event->filter == EVFILT_WRITE ? SIDE_WRITE : SIDE_READ;
    if (!io)
        return; /* EVFILT_USER: the wake-up */
    if (kqueue_is_urgent(event)) {
        k->event = event;
        if (kqueue_take_urgent(k, event))
            reactor_ready(loop, io, RONDO_PRIORITY);
        return;
    }
    if (event->flags & EV_ERROR) {
        if (event->data)
            kqueue_change_failed(loop, io, side, (int)event->data);
    } else if (side == SIDE_WRITE && fifo_is_false_alarm(io)) {
        (void)kqueue_set(loop, k, io, io->armed);
    } else {
        k->event = event;
        reactor_ready(loop, io, side);
    }
}

/* The end of the data stays: from now on the filter reports it in each call. */
static void kqueue_end_is_level(struct kqueue *k, struct io *io)
{
    struct kevent change = kqueue_change_of(io, SIDE_READ, false);
    io->mode &= (unsigned char)~MODE_END;
    (void)kevent(k->fd, &change, 1, NULL, 0, NULL);
    change = kqueue_change_of(io, SIDE_READ, true);
    (void)kevent(k->fd, &change, 1, NULL, 0, NULL);
}

/* EV_EOF says on the reading side that no more data come, on the writing side
 * that nobody will read. */
static unsigned kqueue_events(rondo_loop *loop, void *state,
                              const struct io *io, unsigned sides)
{
    struct kqueue *k = state;
    const struct kevent *event = k->event;
    (void)loop;
    if (!event || kqueue_io_of(event) != io || !(event->flags & EV_EOF))
        return sides;
    if (io->mode & MODE_END)
        kqueue_end_is_level(k, kqueue_io_of(event));
    if (event->fflags)
        sides |= RONDO_ERROR;
    bool writing = event->filter == EVFILT_WRITE;
    return sides | (writing || io->registered & FIFO_ANY ? RONDO_HANG_UP
                                                         : RONDO_HALF_CLOSED);
}

/* The kernel reports it in each call for as long as it is so. */
static bool kqueue_is_level(const struct kevent *event)
{
    return !(event->flags & EV_ERROR) &&
           (event->filter == EVFILT_READ || event->filter == EVFILT_WRITE);
}

/* More may be ready than there was room for: what is level-triggered comes once
 * more, with all the rest, in a call with more room. Without memory for that
 * the rest waits for the next iteration. */
static COLD int kqueue_take_all(rondo_loop *loop, struct kqueue *k, int count)
{
    const struct timespec none = {0};
    while (count == k->batch) {
        size_t size = 2 * (size_t)count * sizeof *k->events;
        struct kevent *events = loop_alloc(loop, size);
        if (!events)
            return count;
        for (int i = 0; i < count; i++)
            if (!kqueue_is_level(&k->events[i]))
                kqueue_take_event(loop, k, &k->events[i]);
        if (k->events != k->few)
            loop_free(loop, k->events);
        k->events = events;
        k->batch = 2 * count;
        count = kevent(k->fd, NULL, 0, events, (event_count)k->batch, &none);
    }
    return count;
}

/* One call of kevent: makes the changes and, unless changes_only, takes events.
 * A call that returns errors may return nothing else: the next one does. */
static int kqueue_call(rondo_loop *loop, struct kqueue *k, int64_t timeout_ns,
                       bool changes_only)
{
    assert(timeout_ns >= 0); /* RONDO_NEVER is the largest number */
    event_count changes = kqueue_take_changes(k, changes_only);
    struct timespec timeout = unix_timespec(timeout_ns);
    int count = kevent(k->fd, k->events, changes, k->events,
                       changes_only ? changes : (event_count)k->batch,
                       timeout_ns == RONDO_NEVER ? NULL : &timeout);
    if (count < 0 && errno != EINTR) {
        k->unsure = true;
        return error_os(error_from_os(errno), "kevent");
    }
    kqueue_changes_made(k); /* also after EINTR */
    if (count == k->batch && !changes_only)
        count = kqueue_take_all(loop, k, count);
    for (int i = 0; i < count; i++)
        kqueue_take_event(loop, k, &k->events[i]);
    k->event = NULL;
    return 0;
}

static int kqueue_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct kqueue *k = state;
    int error =
        kqueue_call(loop, k, fifo_shorten(&k->fifos, timeout_ns), false);
    if (!error)
        fifo_ask(loop, &k->fifos);
    return error;
}

static int kqueue_embed(rondo_loop *loop, void *state, rondo_fd *fd,
                        int64_t *timeout_ns)
{
    struct kqueue *k = state;
    *fd = k->fd;
    *timeout_ns = fifo_shorten(&k->fifos, RONDO_NEVER);
    return k->waiting_count ? kqueue_call(loop, k, 0, true) : 0;
}

/* NetBSD and OpenBSD round waits up to ticks of their clock. */
static int64_t kqueue_resolution(const void *state)
{
    (void)state;
#ifdef KERN_CLOCKRATE
    const int name[] = {CTL_KERN, KERN_CLOCKRATE};
    struct clockinfo rate;
    size_t size = sizeof rate;
    if (sysctl(name, 2, &rate, &size, NULL, 0) == 0 && rate.hz > 0)
        return 1000000000 / rate.hz;
#endif
    return 1;
}

/* ---- children ---- */

int unix_kqueue_child(rondo_loop *loop, int64_t pid, struct io *io)
{
    const struct kqueue *k = reactor_state(loop);
    assert(loop->backend == &backend_kqueue && pid > 0);
    struct kevent change = {.ident = (uintptr_t)pid, .filter = EVFILT_PROC};
    change.flags = io ? EV_ADD | EV_ONESHOT : EV_DELETE;
    change.fflags = NOTE_EXIT;
    kqueue_put_io(&change, io);
    if (kevent(k->fd, &change, 1, NULL, 0, NULL) == 0 || errno == EINTR)
        return 0;
    return error_os(error_from_os(errno), "kevent on process %lld",
                    (long long)pid);
}

/* ---- the wake-up ---- */

#ifdef EVFILT_USER
static int kqueue_wake_event(const struct kqueue *k, bool add)
{
    struct kevent change = {.ident = 1, .filter = EVFILT_USER};
    change.flags = add ? EV_ADD | EV_CLEAR : 0;
    change.fflags = add ? 0 : NOTE_TRIGGER;
    return kevent(k->fd, &change, 1, NULL, 0, NULL);
}

static bool kqueue_wakes(const void *state)
{
    return kqueue_wake_event(state, true) == 0;
}

static void kqueue_wake(const void *state)
{
    int before = errno;
    (void)kqueue_wake_event(state, false);
    errno = before;
}
#endif

static const struct poller kqueue_poller = {
    .size = sizeof(struct kqueue),
    .open = kqueue_open,
    .close = kqueue_close,
    .attach = kqueue_attach,
    .detach = kqueue_detach,
    .set = kqueue_set,
    .wait = kqueue_wait,
    .events = kqueue_events,
    .resolution = kqueue_resolution,
    .embed = kqueue_embed,
#ifdef EVFILT_USER
    .wakes = kqueue_wakes,
    .wake = kqueue_wake,
#endif
};

const struct backend backend_kqueue = {
    .name = "kqueue",
    /* each system refuses others, such as /dev/null; all are tried */
    .cannot = UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES |
#ifndef EVFILT_EXCEPT
              UINT64_C(1) << RONDO_CAN_WATCH_PRIORITY |
#endif
              UINT64_C(1) << RONDO_CAN_WATCH_ERRORS,
    REACTOR(&kqueue_poller),
};
#endif
