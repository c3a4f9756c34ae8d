/* sim_kevent.c - kevent(2): changes first, then what has happened. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONGEST_S = 100000000, TAKEN_AT_ONCE = 4096 };

/* ---- trouble on demand -------------------------------------------------- */

static struct {
    unsigned after;
    int os_error; /* 0: none is due */
    bool late;
    uint32_t refused_filter;
    int refusal;
} trouble;
static atomic_uint calls, changes_made;

void sim_fail(unsigned after, int os_error, bool late)
{
    sim_lock();
    trouble.after = after;
    trouble.os_error = os_error;
    trouble.late = late;
    sim_unlock();
}

void sim_refuse(uint32_t filter, int os_error)
{
    sim_lock();
    trouble.refused_filter = filter;
    trouble.refusal = os_error;
    sim_unlock();
}

unsigned sim_calls(void)
{
    return atomic_load(&calls);
}

unsigned sim_changes(void)
{
    return atomic_load(&changes_made);
}

/* The error that this call is to fail with, early or late. */
static int fails(bool late)
{
    int os_error = trouble.os_error;

    if (!os_error || trouble.late != late)
        return 0;
    if (trouble.after) {
        trouble.after--;
        return 0;
    }
    trouble.os_error = 0;
    return os_error;
}

static int refusal_of(const struct kevent *change)
{
    int os_error = trouble.refusal;

    if (!os_error || !(change->flags & EV_ADD) ||
        change->filter != trouble.refused_filter)
        return 0;
    trouble.refusal = 0;
    return os_error;
}

/* ---- changes ------------------------------------------------------------ */

static int missing(struct sim_kq *kq, const struct kevent *change)
{
    struct epoll_event none = {.events = 0};

    if (change->filter != EVFILT_READ && change->filter != EVFILT_WRITE &&
        change->filter != EVFILT_EXCEPT)
        return ENOENT;
    /* whether it is open, asked without a change */
    if (change->ident > INT_MAX ||
        (epoll_ctl(kq->list[SIM_OTHERS], EPOLL_CTL_MOD, (int)change->ident,
                   &none) < 0 &&
         errno == EBADF))
        return sim_profile()->delete_closed;
    return ENOENT;
}

static int change_one(struct sim_kq *kq, const struct kevent *change)
{
    struct sim_note *note = sim_note(kq, change->ident, change->filter);
    int os_error = refusal_of(change);

    atomic_fetch_add(&changes_made, 1);
    if (os_error)
        return os_error;
    if (!note && change->flags & EV_ADD) {
        os_error = sim_attach(kq, change);
        note = sim_note(kq, change->ident, change->filter);
    } else if (note && change->flags & EV_ADD) {
        note->udata = change->udata; /* but not EV_CLEAR and its like */
        note->edge = false;
        os_error = sim_note_arm(kq, note) < 0 ? errno : 0;
    } else if (!note) {
        return missing(kq, change);
    }
    if (os_error)
        return os_error;
    if (change->flags & EV_DELETE) {
        sim_note_free(kq, note);
        return 0;
    }
    if (change->flags & EV_DISABLE)
        sim_note_disarm(kq, note);
    if (change->flags & EV_ENABLE && !note->enabled)
        os_error = sim_note_arm(kq, note) < 0 ? errno : 0;
    if (!os_error && note->filter == EVFILT_USER &&
        change->fflags & NOTE_TRIGGER)
        os_error = sim_trigger(kq, note, change);
    return os_error;
}

/* How many events the changes alone have made; -1: it ends here, and errno
 * may be 0. Both arrays may be the same. */
static int change_all(struct sim_kq *kq, const struct kevent *changes,
                      int count, struct kevent *events, int room)
{
    int used = 0;

    for (int i = 0; i < count; i++) {
        struct kevent change = changes[i];
        int os_error = change_one(kq, &change);

        if (!os_error && !(change.flags & EV_RECEIPT))
            continue;
        if (used == room) {
            errno = os_error;
            return -1;
        }
        change.flags = EV_ERROR;
        change.data = os_error;
        events[used++] = change;
    }
    return used;
}

/* ---- events ------------------------------------------------------------- */

static int take(struct sim_kq *kq, enum sim_list list, struct kevent *events,
                int room)
{
    struct epoll_event seen[TAKEN_AT_ONCE];
    int used = 0, count;

    if (list == SIM_OTHERS)
        sim_vnode_drain(kq);
    count = epoll_wait(kq->list[list], seen,
                       room < TAKEN_AT_ONCE ? room : TAKEN_AT_ONCE, 0);

    for (int i = 0; i < count; i++) {
        struct sim_note *note = seen[i].data.ptr;

        if (!sim_report(kq, note, seen[i].events, &events[used]))
            continue;
        used++;
        if (note->flags & EV_ONESHOT)
            sim_note_free(kq, note);
        else if (note->flags & EV_DISPATCH)
            sim_note_disarm(kq, note);
    }
    return used;
}

static int take_all(struct sim_kq *kq, struct kevent *events, int room)
{
    int used = 0;

    for (int list = 0; list < SIM_LISTS && used < room; list++)
        used += take(kq, (enum sim_list)list, events + used, room - used);
    return used;
}

/* ---- waiting ------------------------------------------------------------ */

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Rounded up to the system's ticks. */
static int64_t length_of(const struct timespec *timeout)
{
    int64_t tick = sim_profile()->tick_ns;
    int64_t ns = (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec;

    return (ns + tick - 1) / tick * tick;
}

/* Waits until one of the lists has something. */
static int sleep_on(int fd, int64_t left_ns, bool forever)
{
    struct epoll_event lists[SIM_LISTS];
    /* the kernel's own type, also where time_t has 32 bits */
    int64_t left[] = {left_ns / 1000000000, left_ns % 1000000000};
    int count = (int)syscall(SYS_epoll_pwait2, fd, lists, SIM_LISTS,
                             forever ? NULL : left, NULL, 0);

    if (count >= 0 || errno != ENOSYS)
        return count;
    if (left_ns > (int64_t)INT_MAX * 1000000)
        left_ns = (int64_t)INT_MAX * 1000000;
    return epoll_wait(fd, lists, SIM_LISTS,
                      forever ? -1 : (int)((left_ns + 999999) / 1000000));
}

static int collect(int fd, struct kevent *events, int room,
                   const struct timespec *timeout)
{
    int64_t length = timeout ? length_of(timeout) : 0;
    int64_t end = length ? now_ns() + length : 0;

    for (;;) {
        int64_t left = end ? end - now_ns() : 0;
        int count = sleep_on(fd, left > 0 ? left : 0, !timeout);
        struct sim_kq *kq;

        if (count < 0)
            return -1;
        sim_lock();
        kq = sim_find(fd);
        if (count > 0 && kq)
            count = take_all(kq, events, room);
        sim_unlock();
        if (!kq) {
            errno = EBADF;
            return -1;
        }
        if (count > 0)
            return count;
        if (timeout && (!end || now_ns() >= end))
            return 0;
    }
}

int kevent(int fd, const struct kevent *changes, int change_count,
           struct kevent *events, int room, const struct timespec *timeout)
{
    struct sim_kq *kq;
    int used, os_error;

    atomic_fetch_add(&calls, 1);
    sim_lock();
    kq = sim_find(fd);
    os_error = kq ? fails(false) : EBADF;
    errno = 0;
    used = os_error ? -1 : change_all(kq, changes, change_count, events, room);
    if (!os_error)
        os_error = used < 0 ? errno : fails(true);
    sim_unlock();
    if (os_error) {
        errno = os_error;
        return -1;
    }
    if (used < 0 || room == 0)
        return 0;
    if (used)
        return used;
    if (timeout &&
        (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
         timeout->tv_nsec >= 1000000000 || timeout->tv_sec > LONGEST_S)) {
        errno = EINVAL;
        return -1;
    }
    return collect(fd, events, room, timeout);
}
