/* sigpipe.c - keeps SIGPIPE from calls that could raise it: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

/* ---- around a call ---- */

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

/* ---- sockets ---- */

atomic_bool unix_unprotected;

/* macOS before 11 ignores MSG_NOSIGNAL, so SO_NOSIGPIPE is needed there. But
 * macOS sets no option of a socket that is shut in both directions (EINVAL from
 * sosetoptlock), as after a reset, or when the peer of a unix socket left. Such
 * a socket may have unread bytes. If it was accepted, it has the option of its
 * listener (sonewconn). */
static bool unix_sigpipe_is_off(int fd)
{
#ifdef SO_NOSIGPIPE
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0)
        return true;
    if (errno != EINVAL)
        return true; /* EBADF, ENOTSOCK: it raises nothing */
    int inherited = 0;
    socklen_t size = sizeof inherited;
    return getsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &inherited, &size) == 0 &&
           inherited;
#else
    return fd >= 0;
#endif
}

void unix_protect(int fd)
{
    int before = errno;
    if (!unix_sigpipe_is_off(fd))
        atomic_store_explicit(&unix_unprotected, true, memory_order_relaxed);
    errno = before;
}

/* What cannot be protected is shut in both directions: every send fails. */
bool unix_may_send_slow(int fd)
{
    if (unix_sigpipe_is_off(fd))
        return true;
    errno = EPIPE;
    return false;
}
#endif
