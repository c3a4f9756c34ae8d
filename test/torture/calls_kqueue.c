/* calls_kqueue.c - those of a BSD's, which the tests' kqueue answers. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "calls.h"

#include "bsd.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/event.h>

CALL(int, -1, kqueue, (void), (), EMFILE, ENOMEM)
CALL(int, -1, pipe, (int fds[2]), (fds), EMFILE, ENFILE)
CALL(int, -1, sim_accept, (int fd, struct sockaddr *from, socklen_t *size),
     (fd, from, size), EMFILE, ECONNABORTED, EINTR)
CALL(int, -1, sim_getsockopt,
     (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size), ENOBUFS)
CALL(int, -1, sim_setsockopt,
     (int fd, int level, int name, const void *value, unsigned size),
     (fd, level, name, value, size), ENOBUFS)
CALL(ssize_t, -1, sim_send, (int fd, const void *data, size_t size, int flags),
     (fd, data, size, flags), ECONNRESET, EINTR, ENOBUFS)
CALL(ssize_t, -1, sim_sendto,
     (int fd, const void *data, size_t size, int flags, const void *to,
      socklen_t to_size),
     (fd, data, size, flags, to, to_size), ENETUNREACH, EINTR, ENOBUFS)
CALL(ssize_t, -1, sim_sendmsg, (int fd, const struct msghdr *head, int flags),
     (fd, head, flags), EPIPE, EINTR, ENOBUFS)
CALL_IF(size != 8, ssize_t, -1, sim_write,
        (int fd, const void *data, size_t size), (fd, data, size), EIO, EINTR,
        ENOSPC)
CALL(ssize_t, -1, sim_writev, (int fd, const struct iovec *parts, int count),
     (fd, parts, count), EIO, EINTR, ENOSPC)
CALL(int, -1, sim_ppoll,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout,
      const sigset_t *mask),
     (fds, count, timeout, mask), EINTR, ENOMEM)
CALL(int, -1, sim_poll, (struct pollfd * fds, nfds_t count, int timeout),
     (fds, count, timeout), EINTR, ENOMEM)
CALL(int, -1, sim_sendfile_macos,
     (int file, int to, off_t offset, off_t *size, struct sf_hdtr *more,
      int flags),
     (file, to, offset, size, more, flags), EIO)

/* The changes have been made where a wait was interrupted. Without memory a
 * filter cannot be added; one that is there takes any change. */
int torture_kevent(int fd, const struct kevent *changes, int change_count,
                   struct kevent *events, int room,
                   const struct timespec *timeout);
int torture_kevent(int fd, const struct kevent *changes, int change_count,
                   struct kevent *events, int room,
                   const struct timespec *timeout)
{
    static const int errors[] = {ENOMEM, EINTR};
    bool adds = !room && change_count && changes->flags & EV_ADD;
    if (!torture_fails("kevent", errors + !adds, 1U + adds))
        return kevent(fd, changes, change_count, events, room, timeout);
    int error = errno;
    if (error == EINTR)
        (void)kevent(fd, changes, change_count, NULL, 0, NULL);
    errno = error;
    return -1;
}

int torture_sim_fcntl(int fd, int what, ...);
int torture_sim_fcntl(int fd, int what, ...)
{
    static const int errors[] = {EMFILE};
    if (what == F_DUPFD_CLOEXEC && torture_fails("fcntl", errors, 1))
        return -1;
    va_list more;
    va_start(more, what);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
    long argument = va_arg(more, long);
    va_end(more);
    return sim_fcntl(fd, what, argument);
}
