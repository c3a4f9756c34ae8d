/* inotify.c - the notifier of Linux. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "base/lock.h"
#include "core/backend.h"
#include "core/notify.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    INOTIFY_ROOM = 65536, /* bytes of events that one read takes */
    READ_ROUNDS = 64,     /* then what was read is looked at */
    FIRST_BUCKETS = 16,
    /* IN_EXCL_UNLINK: a file that is open and has no name any more is none of
     * the directory. */
    INOTIFY_EVENTS = IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                     IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF |
                     IN_EXCL_UNLINK
};

/* Each inode has one watch descriptor in an inotify instance, also if it was
 * added by two paths: so several marks may share one. */
struct notify_mark {
    struct notify_mark *next; /* in its bucket */
    int wd;                   /* -1: the kernel has removed it */
    void *owner;
};

struct notifier {
    notify_fn tell;
    struct wake wake;
    struct sys_fork_lock lock; /* around fd: a forked child closes it */
    int fd;                    /* -1: not opened yet */
    struct notify_mark **buckets;
    size_t room, used; /* room: 0 or a power of two */
    _Alignas(struct inotify_event) char events[INOTIFY_ROOM];
};

const struct notify_traits notify_traits = {.name = "inotify", .moves = true};

int notify_open(struct notifier **made, notify_fn tell)
{
    struct notifier *n = malloc(sizeof *n);
    if (!n)
        return error_set(RONDO_ENOMEM, "out of memory");
    n->tell = tell;
    n->fd = -1;
    n->buckets = NULL;
    n->room = n->used = 0;
    int error = wake_open(&n->wake);
    if (!error && lock_init(&n->lock) < 0) {
        wake_close(&n->wake);
        error = error_set(RONDO_ENOMEM, "out of memory");
    }
    if (error)
        free(n);
    else
        *made = n;
    return error;
}

void notify_close(struct notifier *n)
{
    assert(!n->used);
    lock_destroy(&n->lock);
    wake_close(&n->wake);
    sys_close(n->fd);
    free(n->buckets);
    free(n);
}

void notify_forked(struct notifier *n)
{
    wake_close(&n->wake);
    sys_close(n->fd);
}

/* ---- marks ---- */

static struct notify_mark **inotify_bucket(const struct notifier *n, int wd)
{
    return &n->buckets[(unsigned)wd & (n->room - 1)];
}

static bool inotify_make_room(struct notifier *n)
{
    if (n->used < n->room)
        return true;
    size_t room = n->room ? n->room * 2 : FIRST_BUCKETS, old_room = n->room;
    struct notify_mark **old = n->buckets;
    struct notify_mark **grown = calloc(room, sizeof *grown);
    if (!grown)
        return false;
    n->buckets = grown;
    n->room = room;
    for (size_t i = 0; i < old_room; i++) {
        struct notify_mark *m = old[i];
        while (m) {
            struct notify_mark *next = m->next;
            struct notify_mark **bucket = inotify_bucket(n, m->wd);
            m->next = *bucket;
            *bucket = m;
            m = next;
        }
    }
    free(old);
    return true;
}

static bool inotify_has(const struct notifier *n, int wd)
{
    const struct notify_mark *m = n->room ? *inotify_bucket(n, wd) : NULL;
    while (m && m->wd != wd)
        m = m->next;
    return m;
}

static int inotify_open(struct notifier *n)
{
    if (n->fd >= 0)
        return 0;
    lock_take(&n->lock);
    n->fd = unix_keep(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    int error = n->fd < 0 ? unix_fail() : 0;
    lock_give(&n->lock);
    return error;
}

static int inotify_watch(const struct notifier *n, const char *path,
                         uint32_t mask, int *wd)
{
    *wd = inotify_add_watch(n->fd, path, mask);
    return *wd < 0 ? unix_fail() : 0;
}

/* The call takes no directory to begin at: a path that is too long for it goes
 * by the kernel's link to a directory that is open. */
static int inotify_watch_long(const struct notifier *n, const char *path,
                              uint32_t mask, int *wd)
{
    char text[PATH_MAX];
    struct unix_at at;
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    (void)snprintf(text, sizeof text, "/proc/self/fd/%d/%s", at.fd, at.path);
    error = inotify_watch(n, text, mask, wd);
    unix_at_end(&at);
    if (error == RONDO_ENOENT && access("/proc/self/fd", F_OK) < 0)
        return unix_fs_refuse(RONDO_ENAMETOOLONG);
    return error;
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    int error = inotify_open(n);
    if (error)
        return error;
    assert(kind != NOTIFY_TREE);
    struct notify_mark *m = malloc(sizeof *m);
    if (!m || !inotify_make_room(n)) {
        free(m);
        error_no_os();
        return RONDO_ENOMEM;
    }
    uint32_t only = kind == NOTIFY_DIRECTORY ? IN_ONLYDIR : 0;
    bool fits = strlen(path) < PATH_MAX;
    error = (fits ? inotify_watch
                  : inotify_watch_long)(n, path, INOTIFY_EVENTS | only, &m->wd);
    if (error) {
        free(m);
        return error;
    }
    struct notify_mark **bucket = inotify_bucket(n, m->wd);
    m->owner = owner;
    m->next = *bucket;
    *bucket = m;
    n->used++;
    *mark = m;
    return 0;
}

void notify_remove(struct notifier *n, struct notify_mark *mark)
{
    int wd = mark->wd;
    struct notify_mark **link = inotify_bucket(n, wd);
    while (*link != mark)
        link = &(*link)->next;
    *link = mark->next;
    n->used--;
    free(mark);
    if (wd >= 0 && !inotify_has(n, wd))
        (void)inotify_rm_watch(n->fd, wd);
}

const char *notify_limit(int error)
{
    if (error == RONDO_ENOSPC)
        return "the user's limit of watches is reached; see "
               "fs.inotify.max_user_watches of sysctl(8)";
    if (error == RONDO_EMFILE)
        return "the limit of descriptors or of "
               "fs.inotify.max_user_instances of sysctl(8) is reached";
    return NULL;
}

/* ---- hints ---- */

static unsigned inotify_what(uint32_t mask)
{
    unsigned what = 0;
    if (mask & (IN_CREATE | IN_DELETE | IN_DELETE_SELF))
        what |= NOTIFY_CHECK;
    if (mask & (IN_MOVED_FROM | IN_MOVE_SELF))
        what |= NOTIFY_CHECK | NOTIFY_MOVED;
    if (mask & IN_MOVED_TO)
        what |= NOTIFY_CHECK | NOTIFY_MOVED_HERE;
    if (mask & IN_MODIFY)
        what |= NOTIFY_CHECK | NOTIFY_CONTENT;
    if (mask & IN_ATTRIB)
        what |= NOTIFY_CHECK | NOTIFY_ATTRIBUTES;
    return what;
}

static void inotify_overflow(const struct notifier *n)
{
    for (size_t i = 0; i < n->room; i++)
        for (struct notify_mark *m = n->buckets[i]; m; m = m->next)
            n->tell(m->owner, NULL, NOTIFY_OVERFLOW);
}

/* The kernel has removed the watch: the inode is gone, or its file system is
 * unmounted. The mark moves to the bucket of -1. */
static void inotify_lose(struct notifier *n, struct notify_mark **link)
{
    struct notify_mark *m = *link, **bucket = inotify_bucket(n, -1);
    *link = m->next;
    m->wd = -1;
    m->next = *bucket;
    *bucket = m;
    n->tell(m->owner, NULL, NOTIFY_CHECK | NOTIFY_GONE);
}

static void inotify_tell(struct notifier *n, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW)
        inotify_overflow(n);
    if (e->wd < 0 || !n->room)
        return;
    unsigned what = inotify_what(e->mask);
    struct notify_mark **link = inotify_bucket(n, e->wd);
    while (*link) {
        struct notify_mark *m = *link;
        if (m->wd == e->wd && e->mask & IN_IGNORED) {
            inotify_lose(n, link);
            if (*link == m) /* the same bucket, and it is the first there */
                link = &m->next;
            continue;
        }
        if (m->wd == e->wd && what)
            n->tell(m->owner, e->len ? e->name : NULL, what);
        link = &m->next;
    }
}

static void inotify_read(struct notifier *n)
{
    for (int round = 0; round < READ_ROUNDS; round++) {
        ssize_t size = read(n->fd, n->events, sizeof n->events);
        if (size <= 0)
            return;
        const char *at = n->events, *end = n->events + size;
        while (at < end) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)at;
            inotify_tell(n, e);
            at += sizeof *e + e->len;
        }
    }
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    struct pollfd fds[] = {{.fd = n->wake.fd[0], .events = POLLIN},
                           {.fd = n->fd, .events = POLLIN}};
    int count = poll(fds, 2, unix_timeout_ms(timeout_ns));
    if (count <= 0)
        return;
    if (fds[0].revents)
        (void)wake_drain(&n->wake);
    if (fds[1].revents)
        inotify_read(n);
}

void notify_wake(struct notifier *n)
{
    wake_send(&n->wake);
}
#endif
