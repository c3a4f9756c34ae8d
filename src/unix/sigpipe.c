/* sigpipe.c - calls that could raise SIGPIPE, and shall not: Unix. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "unix/unix.h"

#include <errno.h>

static sigset_t unix_sigpipe_only_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

static bool unix_sigpipe_is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

/* One that is not blocked is not pending. */
void unix_quiet_begin(struct unix_quiet *q)
{
    sigset_t set = unix_sigpipe_only_sigpipe();
    pthread_sigmask(SIG_BLOCK, &set, &q->before);
    q->waited =
        sigismember(&q->before, SIGPIPE) == 1 && unix_sigpipe_is_pending();
}

/* The signal is sent to the thread that writes, so it is there by now. */
void unix_quiet_end(const struct unix_quiet *q, bool whole)
{
    sigset_t set = unix_sigpipe_only_sigpipe();
    int before = errno, taken;
    if (!whole && !q->waited && unix_sigpipe_is_pending())
        sigwait(&set, &taken);
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
    errno = before;
}
