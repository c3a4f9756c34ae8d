/* sigpipe.c - keeps SIGPIPE from calls that could raise it: Unix. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "unix/unix.h"

#include <assert.h>
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

/* A SIGPIPE that is pending now belongs to the program and must stay. Only a
 * signal that was blocked can be pending, so the others need not be asked. */
void unix_quiet_begin(struct unix_quiet *q)
{
    sigset_t set = unix_sigpipe_only_sigpipe();
    int failed = pthread_sigmask(SIG_BLOCK, &set, &q->before);
    assert(!failed); /* its arguments are valid */
    (void)failed;
    q->waited =
        sigismember(&q->before, SIGPIPE) == 1 && unix_sigpipe_is_pending();
}

/* The kernel sends SIGPIPE to the thread that writes, before the call returns,
 * so it is pending by now. */
void unix_quiet_end(const struct unix_quiet *q, bool whole)
{
    sigset_t set = unix_sigpipe_only_sigpipe();
    int before = errno, taken;
    assert(sigismember(&q->before, SIGPIPE) >= 0);
    assert(!q->waited || sigismember(&q->before, SIGPIPE) == 1);
    if (!whole && !q->waited && unix_sigpipe_is_pending())
        sigwait(&set, &taken);
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
    errno = before;
}
