/* vnode.c - the notifier of macOS and the BSDs: EVFILT_VNODE in a kqueue. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef RONDO_KQUEUE
#define _GNU_SOURCE
#include "base/error.h"
#include "base/lock.h"
#include "core/backend.h"
#include "core/notify.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/time.h>

#ifndef O_EVTONLY /* macOS: does not keep a volume from being unmounted */
#define O_EVTONLY O_RDONLY
#endif

enum { VNODE_BATCH = 256, VNODE_ROUNDS = 64 };

/* A file or a directory has one descriptor for each mark. */
struct notify_mark {
    struct notify_mark *next, **link;
    void *owner;
    int fd;
    bool directory;
};

struct notifier {
    notify_fn tell;
    struct wake wake;
    int kqueue;                /* a forked child does not inherit it */
    struct sys_fork_lock lock; /* around the marks' list: a forked child closes
                                  their descriptors */
    struct notify_mark *first;
    struct kevent events[VNODE_BATCH];
};

const struct notify_traits notify_traits = {.name = "kqueue", .files = true};

/* udata is a pointer, on NetBSD before 10 an intptr_t. */
static struct notify_mark *vnode_mark_of(const struct kevent *event)
{
    struct notify_mark *mark;
    memcpy(&mark, &event->udata, sizeof mark);
    return mark;
}

static int vnode_watch(const struct notifier *n, int fd,
                       struct notify_mark *mark)
{
    struct kevent change = {.ident = (uintptr_t)fd};
    change.filter = mark ? EVFILT_VNODE : EVFILT_READ;
    change.flags = mark ? EV_ADD | EV_CLEAR : EV_ADD;
    if (mark)
        change.fflags = NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB |
                        NOTE_LINK | NOTE_RENAME | NOTE_REVOKE;
    memcpy(&change.udata, &mark, sizeof mark);
    return kevent(n->kqueue, &change, 1, NULL, 0, NULL) < 0 && errno != EINTR
               ? unix_fail()
               : 0;
}

static int vnode_open_all(struct notifier *n)
{
    int error = wake_open(&n->wake);
    if (error)
        return error;
    n->kqueue = unix_keep(kqueue());
    if (n->kqueue < 0)
        error = error_os(unix_fail(), "kqueue");
    if (!error && (error = vnode_watch(n, n->wake.fd[0], NULL)) != 0)
        (void)error_os(error, "kevent");
    if (!error && lock_init(&n->lock) < 0)
        error = error_set(RONDO_ENOMEM, "out of memory");
    if (error) {
        sys_close(n->kqueue);
        wake_close(&n->wake);
    }
    return error;
}

int notify_open(struct notifier **made, notify_fn tell)
{
    struct notifier *n = malloc(sizeof *n);
    if (!n)
        return error_set(RONDO_ENOMEM, "out of memory");
    n->tell = tell;
    n->first = NULL;
    int error = vnode_open_all(n);
    if (error)
        free(n);
    else
        *made = n;
    return error;
}

void notify_close(struct notifier *n)
{
    assert(!n->first);
    lock_destroy(&n->lock);
    sys_close(n->kqueue);
    wake_close(&n->wake);
    free(n);
}

void notify_forked(struct notifier *n)
{
    for (struct notify_mark *m = n->first; m; m = m->next)
        sys_close(m->fd);
    wake_close(&n->wake);
}

/* ---- marks ---- */

/* Only what can be opened without an effect on it. */
static int vnode_open(const char *path, bool *directory, int *opened)
{
    struct stat status;
    int fd, error = unix_at_open(path, O_EVTONLY, 0, &fd);
    if (error)
        return error;
    error = fstat(fd, &status) < 0 ? unix_fail() : 0;
    *directory = !error && S_ISDIR(status.st_mode);
    if (!error && !*directory && !S_ISREG(status.st_mode)) {
        error_no_os();
        error = RONDO_ENOTSUP;
    }
    if (error)
        sys_close(fd);
    *opened = fd;
    return error;
}

static int vnode_add(struct notifier *n, const char *path,
                     struct notify_mark *mark)
{
    mark->fd = SYS_NO_FD;
    int error = vnode_open(path, &mark->directory, &mark->fd);
    if (error)
        return error;
    error = vnode_watch(n, mark->fd, mark);
    if (error) {
        sys_close(mark->fd);
        return error;
    }
    mark->next = n->first;
    mark->link = &n->first;
    if (mark->next)
        mark->next->link = &mark->next;
    n->first = mark;
    return 0;
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    struct notify_mark *m = malloc(sizeof *m);
    assert(kind != NOTIFY_TREE);
    (void)kind;
    error_no_os();
    if (!m)
        return RONDO_ENOMEM;
    m->owner = owner;
    lock_take(&n->lock);
    int error = vnode_add(n, path, m);
    lock_give(&n->lock);
    if (error)
        free(m);
    else
        *mark = m;
    return error;
}

void notify_remove(struct notifier *n, struct notify_mark *mark)
{
    lock_take(&n->lock);
    *mark->link = mark->next;
    if (mark->next)
        mark->next->link = mark->link;
    sys_close(mark->fd); /* removes the filter, too */
    lock_give(&n->lock);
    free(mark);
}

const char *notify_limit(int error)
{
    return error == RONDO_EMFILE
               ? "the limit of descriptors is reached: \"kqueue\" needs one for "
                 "each file and directory"
               : NULL;
}

/* ---- hints ---- */

static unsigned vnode_what(const struct notify_mark *mark, unsigned notes)
{
    unsigned what = NOTIFY_CHECK;
    if (notes & (NOTE_WRITE | NOTE_EXTEND))
        what |= mark->directory ? NOTIFY_LIST : NOTIFY_CONTENT;
    if (notes & NOTE_ATTRIB)
        what |= NOTIFY_ATTRIBUTES;
    if (notes & NOTE_RENAME)
        what |= NOTIFY_MOVED;
    if (notes & (NOTE_DELETE | NOTE_REVOKE))
        what |= NOTIFY_GONE;
    return what;
}

static int vnode_call(struct notifier *n, const struct timespec *timeout)
{
    int count = kevent(n->kqueue, NULL, 0, n->events, VNODE_BATCH, timeout);
    for (int i = 0; i < count; i++) {
        const struct notify_mark *mark = vnode_mark_of(&n->events[i]);
        if (mark)
            n->tell(mark->owner, NULL,
                    vnode_what(mark, (unsigned)n->events[i].fflags));
        else
            (void)wake_drain(&n->wake);
    }
    return count;
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    const struct timespec none = {0};
    struct timespec timeout = unix_timespec(timeout_ns);
    int count = vnode_call(n, timeout_ns == RONDO_NEVER ? NULL : &timeout);
    for (int i = 0; i < VNODE_ROUNDS && count == VNODE_BATCH; i++)
        count = vnode_call(n, &none);
}

void notify_wake(struct notifier *n)
{
    wake_send(&n->wake);
}
#endif
