/* rondo_poll.c - a library that waits by poll(2), in a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* fstat */
#include "rondo_poll.h"

#include "../options.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { RETRY_MS = 1000 };

/* A descriptor that the loop watches for the source. Its file tells whether it
 * was closed, and the number has come again. */
struct watched {
    int fd;
    dev_t device;
    ino_t file;
    short events;  /* what all entries of this descriptor ask for */
    short revents; /* since the last dispatch */
    bool refused;  /* the loop cannot watch it */
};

struct rondo_poll {
    rondo_loop *loop;
    rondo_poll_source source;
    struct pollfd *fds; /* as the source has filled them in */
    int count, room;
    struct watched *watched, *wanted; /* by fd, with as much room */
    int watched_count;
    rondo_id hook, timer;
    int64_t due; /* when the time is up; RONDO_NEVER: no deadline */
    bool ready;  /* a descriptor has an event, or the time is up */
    bool busy;   /* the source is being told: */
    bool ended;  /* it was freed there, and the memory goes after it */
};

/* ---- what the loop tells ------------------------------------------------ */

static int by_fd(const void *a, const void *b)
{
    int x = ((const struct watched *)a)->fd,
        y = ((const struct watched *)b)->fd;
    return (x > y) - (x < y);
}

static struct watched *find(const rondo_poll *p, int fd)
{
    struct watched key = {.fd = fd};
    return p->watched_count
               ? bsearch(&key, p->watched, (size_t)p->watched_count, sizeof key,
                         by_fd)
               : NULL;
}

static short to_poll(unsigned events)
{
    return (short)((events & RONDO_READABLE ? POLLIN : 0) |
                   (events & RONDO_WRITABLE ? POLLOUT : 0) |
                   (events & RONDO_PRIORITY ? POLLPRI : 0) |
                   (events & RONDO_ERROR ? POLLERR : 0) |
                   (events & RONDO_HANG_UP ? POLLHUP : 0));
}

static unsigned to_rondo(short events)
{
    return (events & POLLIN ? RONDO_READABLE : 0U) |
           (events & POLLOUT ? RONDO_WRITABLE : 0U) |
           (events & POLLPRI ? RONDO_PRIORITY : 0U);
}

static void on_event(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    rondo_poll *p = arg;
    struct watched *w = find(p, (int)fd);
    (void)loop;
    w->revents = (short)(w->revents | to_poll(events));
    p->ready = true;
}

static void on_time(rondo_loop *loop, void *arg)
{
    rondo_poll *p = arg;
    (void)rondo_reschedule(loop, p->timer, RONDO_NEVER); /* keeps its id */
    p->ready = true;
}

/* ---- what the source wants ---------------------------------------------- */

/* What is in the lists stays. */
static bool make_room(rondo_poll *p, int count)
{
    size_t n = (size_t)count;
    struct pollfd *fds = realloc(p->fds, n * sizeof *fds);
    p->fds = fds ? fds : p->fds;
    struct watched *watched = realloc(p->watched, n * sizeof *watched);
    p->watched = watched ? watched : p->watched;
    struct watched *wanted = realloc(p->wanted, n * sizeof *wanted);
    p->wanted = wanted ? wanted : p->wanted;
    if (!fds || !watched || !wanted)
        return false;
    p->room = count;
    return true;
}

/* Asks until there is room for all entries. false: there is no memory. */
static bool ask(rondo_poll *p, int *timeout_ms)
{
    int count;
    do {
        *timeout_ms = -1;
        count = p->source.prepare(p->source.arg, p->fds, p->room, timeout_ms);
    } while (count > p->room && make_room(p, count));
    p->count = count > p->room || count < 0 ? 0 : count;
    return count <= p->room;
}

/* Fills in `wanted`: each descriptor once, with what all its entries ask for.
 * Returns how many. */
static int collect(const rondo_poll *p)
{
    struct watched *w = p->wanted;
    int count = 0, kept = 0;
    for (int i = 0; i < p->count; i++)
        if (p->fds[i].fd >= 0)
            w[count++] = (struct watched){.fd = p->fds[i].fd,
                                          .events = p->fds[i].events};
    if (count)
        qsort(w, (size_t)count, sizeof *w, by_fd);
    for (int i = 0; i < count; i++)
        if (kept && w[kept - 1].fd == w[i].fd)
            w[kept - 1].events = (short)(w[kept - 1].events | w[i].events);
        else
            w[kept++] = w[i];
    return kept;
}

/* ---- watching ----------------------------------------------------------- */

static void unwatch(const rondo_poll *p, const struct watched *w)
{
    if (!w->refused)
        (void)rondo_unwatch(p->loop, w->fd);
}

/* poll(2) says of a file that it is always ready, and POLLNVAL of what is not
 * open. */
static void refuse(rondo_poll *p, struct watched *w, int error)
{
    w->refused = true;
    w->revents = POLLNVAL;
    if (error == RONDO_EPERM)
        w->revents = (short)(w->events & (POLLIN | POLLOUT));
    p->ready |= w->revents != 0;
}

/* Watches a wanted one, which the loop has watched as `old` so far, or NULL. */
static void watch(rondo_poll *p, struct watched *w, const struct watched *old)
{
    struct stat file = {.st_ino = 0};
    bool open = fstat(w->fd, &file) == 0;
    w->device = file.st_dev;
    w->file = file.st_ino;
    if (old && !old->refused && open && old->device == w->device &&
        old->file == w->file && old->events == w->events)
        return;
    if (old)
        unwatch(p, old);
    int error =
        open ? rondo_watch(p->loop, w->fd, to_rondo(w->events), on_event, p)
             : RONDO_EBADF;
    if (error < 0)
        refuse(p, w, error);
}

/* Both lists are in order: one walk through both. */
static void watch_wanted(rondo_poll *p)
{
    int count = collect(p), at = 0;
    struct watched *old = p->watched;
    for (int i = 0; i < count; i++) {
        struct watched *w = &p->wanted[i];
        while (at < p->watched_count && old[at].fd < w->fd)
            unwatch(p, &old[at++]);
        bool known = at < p->watched_count && old[at].fd == w->fd;
        watch(p, w, known ? &old[at] : NULL);
        at += known;
    }
    while (at < p->watched_count)
        unwatch(p, &old[at++]);
    p->watched = p->wanted;
    p->wanted = old;
    p->watched_count = count;
}

/* An iteration that ends without a dispatch does not put the end of the time
 * off. */
static void set_timer(rondo_poll *p, int timeout_ms)
{
    int64_t when = timeout_ms < 0
                       ? RONDO_NEVER
                       : rondo_loop_time(p->loop) + RONDO_MS(timeout_ms);
    p->due = timeout_ms < 0 || when < p->due ? when : p->due;
    (void)rondo_reschedule(p->loop, p->timer, p->due);
    (void)rondo_set_background(p->loop, p->timer, timeout_ms < 0);
}

/* ---- each iteration ----------------------------------------------------- */

static void free_memory(rondo_poll *p)
{
    free(p->fds);
    free(p->watched);
    free(p->wanted);
    free(p);
}

/* Returns false if the source has freed p. */
static bool dispatch(rondo_poll *p)
{
    for (int i = 0; i < p->count; i++) {
        const struct watched *w = find(p, p->fds[i].fd);
        short told = (short)(p->fds[i].events | POLLERR | POLLHUP | POLLNVAL);
        p->fds[i].revents = 0;
        if (w)
            p->fds[i].revents = (short)(w->revents & told);
    }
    for (int i = 0; i < p->watched_count; i++)
        p->watched[i].revents = 0;
    p->ready = false;
    p->due = RONDO_NEVER;
    p->busy = true;
    p->source.dispatch(p->source.arg, p->fds, p->count);
    p->busy = false;
    if (!p->ended)
        return true;
    free_memory(p);
    return false;
}

/* Before the loop waits. What has come since the last wait is handed on first.
 * Without memory for the entries it waits for none, and tries again. */
static void before_wait(rondo_loop *loop, void *arg)
{
    rondo_poll *p = arg;
    int timeout_ms;
    if (p->ready && !dispatch(p))
        return;
    if (!ask(p, &timeout_ms)) {
        rondo_exception e = {.size = sizeof e, .error = RONDO_ENOMEM};
        (void)rondo_set_error(RONDO_ENOMEM, "rondo_poll: no memory");
        rondo_loop_call_exception_handler(loop, &e);
        timeout_ms = RETRY_MS;
    }
    watch_wanted(p);
    set_timer(p, p->ready ? 0 : timeout_ms);
}

/* ---- beginning and end -------------------------------------------------- */

int rondo_poll_new(rondo_loop *loop, const rondo_poll_source *source,
                   rondo_poll **poll)
{
    rondo_poll_source known;
    int error = contrib_options(&known, sizeof known, source, "rondo_poll_new");
    if (error < 0)
        return error;
    if (!loop || !poll || !known.prepare || !known.dispatch)
        return rondo_set_error(RONDO_EINVAL,
                               "rondo_poll_new: no loop, poll, prepare or "
                               "dispatch");
    rondo_poll *p = calloc(1, sizeof *p);
    if (!p)
        return rondo_set_error(RONDO_ENOMEM, "rondo_poll_new: no memory");
    p->loop = loop;
    p->source = known;
    p->due = RONDO_NEVER;
    p->hook = rondo_add_hook(loop, RONDO_BEFORE_WAIT, before_wait, p);
    p->timer = p->hook < 0 ? p->hook : rondo_call_later(loop, 0, on_time, p);
    if (p->timer < 0) {
        error = (int)p->timer;
        rondo_poll_free(p);
        return error;
    }
    *poll = p;
    return 0;
}

void rondo_poll_free(rondo_poll *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->watched_count; i++)
        unwatch(p, &p->watched[i]);
    if (p->hook > 0)
        (void)rondo_cancel(p->loop, p->hook);
    if (p->timer > 0)
        (void)rondo_cancel(p->loop, p->timer);
    p->ended = true;
    if (!p->busy)
        free_memory(p);
}
