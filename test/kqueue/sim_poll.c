/* sim_poll.c - poll(2) as a BSD answers it. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include "bsd.h"
#undef poll
#undef ppoll

#include <errno.h>
#include <stdlib.h>

enum { SHORTEST_NS = 1000000 };

/* ---- macOS: poll is a kqueue (xnu: poll_nocancel, poll_callback) -------- */

/* Each filter that was asked for is registered, and no other. */
static bool is_registered(int kq, const struct pollfd *asked, uintptr_t index)
{
    struct kevent change;
    const struct {
        int events;
        uint32_t filter;
    } filters[] = {{POLLIN | POLLRDNORM | POLLPRI | POLLHUP, EVFILT_READ},
                   {POLLOUT | POLLWRNORM, EVFILT_WRITE}};

    for (int i = 0; i < 2; i++) {
        if (!(asked->events & filters[i].events))
            continue;
        EV_SET(&change, asked->fd, filters[i].filter, EV_ADD | EV_ONESHOT, 0, 0,
               (void *)index);
        if (kevent(kq, &change, 1, NULL, 0, NULL) < 0)
            return false;
    }
    return true;
}

static void take(struct pollfd *asked, const struct kevent *event)
{
    const int reading = POLLIN | POLLRDNORM, writing = POLLOUT | POLLWRNORM;
    int revents = event->flags & EV_EOF ? POLLHUP : 0;

    if (event->filter == EVFILT_READ)
        revents |= asked->events & reading;
    else if (!revents)
        revents |= asked->events & writing;
    asked->revents = (short)(asked->revents | revents);
}

static int poll_kqueue(int kq, struct pollfd *fds, nfds_t count,
                       const struct timespec *timeout)
{
    static const struct timespec now = {0, 0};
    struct kevent *events = calloc(2 * count + 1, sizeof *events);
    nfds_t refused = 0;
    int got = 0, more, ready = 0;

    if (!events)
        return -1;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd >= 0 && !is_registered(kq, &fds[i], i)) {
            fds[i].revents = POLLNVAL;
            refused++;
        }
    }
    if (refused < count || !count)
        more = got = kevent(kq, NULL, 0, events, (int)(2 * count) + 1,
                            refused ? &now : timeout);
    else
        more = 0;
    while (more > 0) { /* this kevent does not report all at once */
        for (int i = 0; i < more; i++)
            take(&fds[(uintptr_t)events[i].udata], &events[i]);
        more = kevent(kq, NULL, 0, events, (int)(2 * count) + 1, &now);
    }
    free(events);
    for (nfds_t i = 0; i < count; i++)
        ready += fds[i].revents != 0;
    return got < 0 ? -1 : ready;
}

/* ---- the others: Linux's, less what they do not say --------------------- */

/* NetBSD's sopoll knows no POLLHUP and no POLLERR, its fifo_poll asks the
 * sockets of a FIFO, the wrong one as well if both sides are asked for.
 * OpenBSD's FIFO has no POLLHUP for its writer. */
static void forget_ends(struct pollfd *asked)
{
    const int both = POLLIN | POLLOUT;
    int ends = asked->revents & (POLLHUP | POLLERR);
    bool socket = sim_is_socket(asked->fd, SO_ACCEPTCONN, 0);
    bool fifo = sim_is_fifo(asked->fd, true);
    bool silent = sim_profile()->poll == SIM_POLL_READY && (socket || fifo);

    if (sim_profile()->fifo == SIM_FIFO_SOCKETS && fifo)
        silent = sim_only_writes(asked->fd);
    if (silent && ends)
        asked->revents =
            (short)((asked->revents & ~ends) | (asked->events & both));
    if (sim_profile()->fifo == SIM_FIFO_WRONG_SIDE && fifo &&
        (asked->events & both) == both)
        asked->revents = (short)(asked->revents | POLLOUT);
}

int sim_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
              const sigset_t *mask)
{
    int kq, ready, os_error;

    if (sim_profile()->poll != SIM_POLL_IS_KQUEUE) {
        if (ppoll(fds, count, timeout, mask) < 0)
            return -1;
        ready = 0;
        for (nfds_t i = 0; i < count; i++) {
            forget_ends(&fds[i]);
            ready += fds[i].revents != 0;
        }
        return ready;
    }
    kq = kqueue();
    if (kq < 0)
        return -1;
    ready = poll_kqueue(kq, fds, count, timeout);
    os_error = errno;
    (void)close(kq);
    errno = os_error;
    return ready;
}

int sim_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000,
                               timeout_ms % 1000 * (long)SHORTEST_NS};

    return sim_ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}
