/* sim_notes.c - kqueues, what is noted in them, and what ends them. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t mask; /* of whoever holds the lock, before */
static struct sim_kq *all;
static _Atomic pid_t process; /* a vfork's child is another one */

/* How many notes and kqueues a descriptor has. close asks that first: a report
 * of the thread sanitizer closes a file of its own, and must not wait here. */
enum { COUNTED = 65536 };
static atomic_uint known[COUNTED];

static void count(uintptr_t fd, unsigned change)
{
    if (fd < COUNTED)
        atomic_fetch_add(&known[fd], change);
}

static bool is_unknown(int fd)
{
    return fd < 0 || (fd < COUNTED && !atomic_load(&known[fd]));
}

void sim_lock(void)
{
    sigset_t everything, before;

    (void)sigfillset(&everything);
    (void)pthread_sigmask(SIG_SETMASK, &everything, &before);
    (void)pthread_mutex_lock(&lock);
    mask = before;
}

void sim_unlock(void)
{
    sigset_t before = mask;

    (void)pthread_mutex_unlock(&lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool sim_is_other_process(void)
{
    return getpid() != atomic_load(&process);
}

/* ---- notes -------------------------------------------------------------- */

static struct sim_note **bucket(struct sim_kq *kq, uintptr_t ident)
{
    return &kq->notes[ident % SIM_BUCKETS];
}

struct sim_note *sim_note(struct sim_kq *kq, uintptr_t ident, uint32_t filter)
{
    struct sim_note *note = *bucket(kq, ident);

    while (note && (note->ident != ident || note->filter != filter))
        note = note->next;
    return note;
}

enum sim_list sim_list_of(const struct sim_note *note)
{
    if (note->filter == EVFILT_READ)
        return SIM_READS;
    if (note->filter == EVFILT_EXCEPT)
        return SIM_EXCEPTS;
    return note->filter == EVFILT_WRITE ? SIM_WRITES : SIM_OTHERS;
}

/* Its ident is a descriptor. */
static bool is_of_descriptor(const struct sim_note *note)
{
    return sim_list_of(note) != SIM_OTHERS || note->filter == EVFILT_VNODE;
}

struct sim_note *sim_note_new(struct sim_kq *kq, const struct kevent *change)
{
    struct sim_note *note = calloc(1, sizeof *note);

    if (!note)
        return NULL;
    note->ident = change->ident;
    note->filter = change->filter;
    note->flags = change->flags & (EV_CLEAR | EV_ONESHOT | EV_DISPATCH);
    note->udata = change->udata;
    note->lowat = change->fflags & NOTE_LOWAT && change->data == 1;
    note->high = change->fflags & NOTE_LOWAT && change->data == INT_MAX;
    note->oob = change->filter == EVFILT_EXCEPT && change->fflags & NOTE_OOB;
    note->helper = -1;
    note->next = *bucket(kq, note->ident);
    *bucket(kq, note->ident) = note;
    if (is_of_descriptor(note))
        count(note->ident, 1);
    return note;
}

static int watched(const struct sim_note *note)
{
    return note->helper >= 0 ? note->helper : (int)note->ident;
}

int sim_note_arm(struct sim_kq *kq, struct sim_note *note)
{
    int how = note->enabled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    bool edge = note->edge || (note->flags & EV_CLEAR && note->helper < 0);
    struct epoll_event event = {.data.ptr = note};
    int list = kq->list[sim_list_of(note)];
    int result;

    if (note->filter == EVFILT_WRITE && note->helper < 0)
        event.events = EPOLLOUT;
    else if (note->filter == EVFILT_EXCEPT)
        event.events = EPOLLPRI | EPOLLRDHUP | (note->high ? 0U : EPOLLIN);
    else
        event.events = EPOLLIN | EPOLLRDHUP;
    if (edge)
        event.events |= (uint32_t)EPOLLET;
    result = epoll_ctl(list, how, watched(note), &event);
    /* closed by the C library itself, and the number is another file's */
    if (result < 0 && how == EPOLL_CTL_MOD && errno == ENOENT)
        result = epoll_ctl(list, EPOLL_CTL_ADD, watched(note), &event);
    if (result == 0)
        note->enabled = true;
    return result;
}

void sim_note_disarm(struct sim_kq *kq, struct sim_note *note)
{
    if (note->enabled)
        (void)epoll_ctl(kq->list[sim_list_of(note)], EPOLL_CTL_DEL,
                        watched(note), NULL);
    note->enabled = false;
}

void sim_note_free(struct sim_kq *kq, struct sim_note *note)
{
    struct sim_note **link = bucket(kq, note->ident);

    sim_note_disarm(kq, note);
    while (*link != note)
        link = &(*link)->next;
    *link = note->next;
    if (is_of_descriptor(note))
        count(note->ident, (unsigned)-1);
    if (note->filter == EVFILT_VNODE)
        sim_detach_vnode(kq, note);
    if (note->helper >= 0)
        (void)sim_close(note->helper);
    free(note);
}

/* ---- kqueues ------------------------------------------------------------ */

struct sim_kq *sim_find(int fd)
{
    struct sim_kq *kq = all;

    while (kq && kq->fd != fd)
        kq = kq->next;
    return kq;
}

static void kq_free(struct sim_kq *kq)
{
    struct sim_kq **link = &all;

    for (int i = 0; i < SIM_BUCKETS; i++)
        while (kq->notes[i]) {
            struct sim_note *note = kq->notes[i];

            sim_note_free(kq, note);
            assert(kq->notes[i] != note); /* it was in this list */
        }
    if (kq->inotify.helper >= 0)
        (void)sim_close(kq->inotify.helper);
    for (int i = 0; i < SIM_LISTS; i++)
        if (kq->list[i] >= 0)
            (void)sim_close(kq->list[i]);
    while (*link && *link != kq)
        link = &(*link)->next;
    if (*link) {
        *link = kq->next;
        count((uintptr_t)kq->fd, (unsigned)-1);
    }
    free(kq);
}

void sim_forget(int fd)
{
    static const uint32_t filters[] = {EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT,
                                       EVFILT_VNODE};
    struct sim_kq *own;

    if (is_unknown(fd))
        return;
    sim_lock();
    own = sim_find(fd);
    if (own)
        kq_free(own);
    for (struct sim_kq *kq = all; kq; kq = kq->next)
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
            struct sim_note *note = sim_note(kq, (uintptr_t)fd, filters[i]);

            if (note)
                sim_note_free(kq, note);
        }
    sim_unlock();
}

/* A kqueue is not inherited: the child does not have the number. The epolls
 * and the inotify are the parent's, too, so nothing is taken out of them. */
static void in_child(void)
{
    atomic_store(&process, getpid());
    while (all) {
        int fd = all->fd;

        for (int i = 0; i < SIM_BUCKETS; i++)
            for (struct sim_note *n = all->notes[i]; n; n = n->next) {
                n->enabled = false;
                n->wd = 0;
            }
        kq_free(all);
        (void)sim_close(fd);
    }
    sim_unlock();
}

/* Before the library asks for the same: what asks last is called first before a
 * fork, and whoever holds the library's locks may come here for this one. */
__attribute__((constructor)) static void begin(void)
{
    atomic_store(&process, getpid());
    (void)pthread_atfork(sim_lock, sim_unlock, in_child);
}

/* A kqueue is never 0, 1 or 2, since a duplicate of it, which moves it away
 * from there, is no kqueue here; and what no BSD has is not seen there. */
int sim_away(int fd)
{
    int moved = fd < 0 || fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (moved != fd)
        (void)sim_close(fd);
    return moved;
}

static int open_lists(struct sim_kq *kq)
{
    for (int i = 0; i < SIM_LISTS; i++) {
        struct epoll_event event = {.events = EPOLLIN};

        event.data.u32 = (uint32_t)i;
        kq->list[i] = sim_away(epoll_create1(EPOLL_CLOEXEC));
        if (kq->list[i] < 0 ||
            epoll_ctl(kq->fd, EPOLL_CTL_ADD, kq->list[i], &event) < 0)
            return -1;
    }
    return 0;
}

int kqueue(void)
{
    struct sim_kq *kq = calloc(1, sizeof *kq);

    if (!kq)
        return -1;
    kq->inotify.helper = -1;
    for (int i = 0; i < SIM_LISTS; i++)
        kq->list[i] = -1;
    sim_lock();
    kq->fd = sim_away(epoll_create1(EPOLL_CLOEXEC));
    if (kq->fd < 0 || open_lists(kq) < 0) {
        int os_error = errno, fd = kq->fd;

        kq_free(kq);
        if (fd >= 0)
            (void)sim_close(fd);
        sim_unlock();
        errno = os_error;
        return -1;
    }
    kq->next = all;
    all = kq;
    count((uintptr_t)kq->fd, 1);
    sim_unlock();
    return kq->fd;
}
