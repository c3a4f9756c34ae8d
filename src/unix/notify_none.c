/* notify_none.c - the notifier of a Unix that tells nothing of files. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#if defined(SYSTEM_UNIX) && !defined(__linux__) && !defined(RONDO_KQUEUE)
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "core/notify.h"
#include "unix/unix.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

struct notifier {
    struct wake wake;
};

const struct notify_traits notify_traits = {.name = NULL};

int notify_open(struct notifier **made, notify_fn tell)
{
    struct notifier *n = malloc(sizeof *n);
    (void)tell;
    if (!n)
        return error_set(RONDO_ENOMEM, "out of memory");
    int error = wake_open(&n->wake);
    if (error)
        free(n);
    else
        *made = n;
    return error;
}

void notify_close(struct notifier *n)
{
    wake_close(&n->wake);
    free(n);
}

void notify_forked(struct notifier *n)
{
    wake_close(&n->wake);
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    (void)n;
    (void)path;
    (void)kind;
    (void)owner;
    (void)mark;
    return RONDO_ENOTSUP;
}

void notify_remove(struct notifier *n, struct notify_mark *mark)
{
    (void)n;
    (void)mark;
    assert(false);
}

const char *notify_limit(int error)
{
    (void)error;
    return NULL;
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    struct pollfd fd = {.fd = n->wake.fd[0], .events = POLLIN};
    if (poll(&fd, 1, unix_timeout_ms(timeout_ns)) > 0)
        (void)wake_drain(&n->wake);
}

void notify_wake(struct notifier *n)
{
    wake_send(&n->wake);
}
#endif
