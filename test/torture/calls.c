/* calls.c - the table of calls that can fail, and how each one does. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory ---- */

static void *counted(void *block)
{
    if (block)
        torture_count_blocks(1);
    return block;
}

#define CALL_MEMORY(name, parameters, arguments)                               \
    void *torture_##name parameters;                                           \
    void *torture_##name parameters                                            \
    {                                                                          \
        static const int errors[] = {ENOMEM};                                  \
        return torture_fails(#name, errors, 1) ? NULL                          \
                                               : counted(name arguments);      \
    }
CALL_MEMORY(malloc, (size_t size), (size))
CALL_MEMORY(calloc, (size_t count, size_t size), (count, size))
CALL_MEMORY(strdup, (const char *text), (text))

void *torture_realloc(void *block, size_t size);
void *torture_realloc(void *block, size_t size)
{
    static const int errors[] = {ENOMEM};
    if (torture_fails("realloc", errors, 1))
        return NULL;
    return block ? realloc(block, size) : counted(malloc(size));
}

void torture_free(void *block);
void torture_free(void *block)
{
    if (block)
        torture_count_blocks(-1);
    free(block);
}

/* ---- sockets ---- */

CALL(int, -1, socket, (int family, int type, int protocol),
     (family, type, protocol), EMFILE, ENOBUFS)
CALL(int, -1, socketpair, (int family, int type, int protocol, int fds[2]),
     (family, type, protocol, fds), EMFILE, ENOBUFS)
CALL(int, -1, bind, (int fd, const struct sockaddr *to, socklen_t size),
     (fd, to, size), EADDRINUSE, ENOBUFS)
CALL(int, -1, listen, (int fd, int backlog), (fd, backlog), EADDRINUSE)
CALL(int, -1, connect, (int fd, const struct sockaddr *to, socklen_t size),
     (fd, to, size), ENOBUFS, ECONNREFUSED)
CALL(int, -1, accept4,
     (int fd, struct sockaddr *from, socklen_t *size, int flags),
     (fd, from, size, flags), EMFILE, ECONNABORTED, EINTR)
CALL(int, -1, shutdown, (int fd, int how), (fd, how), ENOTCONN)
CALL(int, -1, getsockname, (int fd, struct sockaddr *a, socklen_t *size),
     (fd, a, size), ENOBUFS)
CALL(int, -1, getpeername, (int fd, struct sockaddr *a, socklen_t *size),
     (fd, a, size), ENOTCONN)
CALL(int, -1, getsockopt,
     (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size), ENOBUFS)
CALL(int, -1, setsockopt,
     (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size), ENOBUFS)
CALL(ssize_t, -1, recv, (int fd, void *data, size_t size, int flags),
     (fd, data, size, flags), ECONNRESET, EINTR, ENOMEM)
CALL(ssize_t, -1, recvmsg, (int fd, struct msghdr *head, int flags),
     (fd, head, flags), ECONNRESET, EINTR, ENOMEM)
CALL(int, -1, recvmmsg,
     (int fd, struct mmsghdr *heads, unsigned count, int flags,
      struct timespec *timeout),
     (fd, heads, count, flags, timeout), ECONNREFUSED, EINTR, ENOMEM)
CALL(ssize_t, -1, send, (int fd, const void *data, size_t size, int flags),
     (fd, data, size, flags), ECONNRESET, EINTR, ENOBUFS)
CALL(ssize_t, -1, sendmsg, (int fd, const struct msghdr *head, int flags),
     (fd, head, flags), EPIPE, EINTR, ENOBUFS)
CALL(int, -1, sendmmsg,
     (int fd, struct mmsghdr *heads, unsigned count, int flags),
     (fd, heads, count, flags), ENETUNREACH, EINTR, ENOBUFS)
CALL(ssize_t, -1, sendto,
     (int fd, const void *data, size_t size, int flags,
      const struct sockaddr *to, socklen_t to_size),
     (fd, data, size, flags, to, to_size), ENETUNREACH, EINTR, ENOBUFS)
CALL(ssize_t, -1, sendfile, (int to, int from, off_t *offset, size_t size),
     (to, from, offset, size), EIO, EINTR, EINVAL)
CALL(ssize_t, -1, splice,
     (int from, off_t *at, int to, off_t *where, size_t size, unsigned flags),
     (from, at, to, where, size, flags), EIO, EINTR, EINVAL)
CALL(ssize_t, -1, tee, (int from, int to, size_t size, unsigned flags),
     (from, to, size, flags), ENOMEM, EINTR)

/* ---- names ---- */

CALL(int, EAI_MEMORY, getaddrinfo,
     (const char *host, const char *service, const struct addrinfo *hints,
      struct addrinfo **list),
     (host, service, hints, list), ENOMEM)
CALL(int, EAI_MEMORY, getnameinfo,
     (const struct sockaddr *a, socklen_t size, char *host, socklen_t host_size,
      char *service, socklen_t service_size, int flags),
     (a, size, host, host_size, service, service_size, flags), ENOMEM)
CALL(int, -1, getifaddrs, (struct ifaddrs * *list), (list), ENOBUFS)

/* ---- descriptors and files ---- */

/* It is closed even so. */
int torture_close(int fd);
int torture_close(int fd)
{
    static const int errors[] = {EIO, EINTR};
    if (!torture_fails("close", errors, 2))
        return close(fd);
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

CALL(int, -1, pipe2, (int fds[2], int flags), (fds, flags), EMFILE, ENFILE)
CALL(int, -1, dup2, (int fd, int number), (fd, number), EMFILE)
CALL(int, -1, dup3, (int fd, int number, int flags), (fd, number, flags),
     EMFILE)
/* not a wake-up's, of 512 bytes from an eventfd, or of 8 bytes into it */
CALL_IF(size != 512, ssize_t, -1, read, (int fd, void *data, size_t size),
        (fd, data, size), EIO, EINTR)
CALL_IF(size != 8, ssize_t, -1, write, (int fd, const void *data, size_t size),
        (fd, data, size), EIO, EINTR, ENOSPC)
CALL(ssize_t, -1, readv, (int fd, const struct iovec *parts, int count),
     (fd, parts, count), EIO, EINTR)
CALL(ssize_t, -1, writev, (int fd, const struct iovec *parts, int count),
     (fd, parts, count), EIO, EINTR, ENOSPC)
CALL(ssize_t, -1, pread, (int fd, void *data, size_t size, off_t at),
     (fd, data, size, at), EIO, EINTR)
CALL(ssize_t, -1, preadv,
     (int fd, const struct iovec *parts, int count, off_t at),
     (fd, parts, count, at), EIO, EINTR)
CALL(ssize_t, -1, pwritev,
     (int fd, const struct iovec *parts, int count, off_t at),
     (fd, parts, count, at), EIO, EINTR, ENOSPC)
CALL(int, -1, fstat, (int fd, struct stat *info), (fd, info), EIO)
CALL(int, -1, lstat, (const char *path, struct stat *info), (path, info), EIO)
CALL(int, -1, fstatat, (int fd, const char *path, struct stat *info, int flags),
     (fd, path, info, flags), EIO, EACCES)
CALL(int, -1, fsync, (int fd), (fd), EIO, ENOSPC)
CALL(int, -1, fdatasync, (int fd), (fd), EIO, ENOSPC)
CALL(int, -1, ftruncate, (int fd, off_t size), (fd, size), EIO, EINTR, EFBIG)
CALL(int, -1, unlink, (const char *path), (path), EIO, EPERM)
CALL(int, -1, unlinkat, (int fd, const char *path, int flags),
     (fd, path, flags), EIO, EPERM)
CALL(int, -1, mkdirat, (int fd, const char *path, mode_t mode),
     (fd, path, mode), ENOSPC, EROFS)
CALL(int, -1, renameat, (int fd, const char *from, int to_fd, const char *to),
     (fd, from, to_fd, to), ENOSPC, EXDEV)
CALL(int, -1, fchmod, (int fd, mode_t mode), (fd, mode), EPERM)
CALL(int, -1, chmod, (const char *path, mode_t mode), (path, mode), EPERM)
CALL(DIR *, NULL, fdopendir, (int fd), (fd), ENOMEM)
CALL(int, -1, inotify_init1, (int flags), (flags), EMFILE, ENFILE)
CALL(int, -1, inotify_add_watch, (int fd, const char *path, uint32_t what),
     (fd, path, what), ENOSPC, EACCES)
CALL(void *, MAP_FAILED, mmap,
     (void *at, size_t size, int access, int flags, int fd, off_t offset),
     (at, size, access, flags, fd, offset), ENOMEM)

/* These take one argument more in some cases. */
int torture_open(const char *path, int flags, ...);
int torture_open(const char *path, int flags, ...)
{
    static const int errors[] = {EMFILE, EACCES, EINTR};
    if (torture_fails("open", errors, 3))
        return -1;
    va_list more;
    va_start(more, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open(path, flags, mode);
}

int torture_openat(int fd, const char *path, int flags, ...);
int torture_openat(int fd, const char *path, int flags, ...)
{
    static const int errors[] = {EMFILE, EACCES, EINTR};
    if (torture_fails("openat", errors, 3))
        return -1;
    va_list more;
    va_start(more, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(fd, path, flags, mode);
}

int torture_fcntl(int fd, int what, ...);
int torture_fcntl(int fd, int what, ...)
{
    static const int errors[] = {EMFILE};
    if (what == F_DUPFD_CLOEXEC && torture_fails("fcntl", errors, 1))
        return -1;
    va_list more;
    va_start(more, what);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
    void *argument = va_arg(more, void *);
    va_end(more);
    return fcntl(fd, what, argument);
}

/* ---- waiting ---- */

CALL(int, -1, epoll_create1, (int flags), (flags), EMFILE, ENOMEM)
CALL_IF(how == EPOLL_CTL_ADD, int, -1, epoll_ctl,
        (int epoll, int how, int fd, struct epoll_event *event),
        (epoll, how, fd, event), ENOSPC, ENOMEM)
CALL(int, -1, epoll_wait,
     (int epoll, struct epoll_event *events, int count, int timeout),
     (epoll, events, count, timeout), EINTR)
CALL(int, -1, eventfd, (unsigned count, int flags), (count, flags), EMFILE,
     ENOMEM)
CALL(int, -1, poll, (struct pollfd * fds, nfds_t count, int timeout),
     (fds, count, timeout), EINTR, ENOMEM)
CALL(int, -1, ppoll,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout,
      const sigset_t *mask),
     (fds, count, timeout, mask), EINTR, ENOMEM)
CALL(int, -1, pselect,
     (int count, fd_set *reads, fd_set *writes, fd_set *others,
      const struct timespec *timeout, const sigset_t *mask),
     (count, reads, writes, others, timeout, mask), EINTR, ENOMEM)

/* ---- threads and children ---- */

CALL(int, EAGAIN, pthread_create,
     (pthread_t * thread, const pthread_attr_t *how, void *(*fn)(void *),
      void *arg),
     (thread, how, fn, arg), EAGAIN)
CALL(int, EAGAIN, pthread_mutex_init,
     (pthread_mutex_t * mutex, const pthread_mutexattr_t *how), (mutex, how),
     EAGAIN)
CALL(int, ENOMEM, pthread_cond_init,
     (pthread_cond_t * cond, const pthread_condattr_t *how), (cond, how),
     ENOMEM)
CALL(int, -1, execve,
     (const char *path, char *const argv[], char *const envp[]),
     (path, argv, envp), ENOENT, EACCES)
CALL(int, -1, chdir, (const char *path), (path), EACCES)
CALL(int, -1, kill, (pid_t pid, int signum), (pid, signum), EPERM)
CALL(pid_t, -1, waitpid, (pid_t pid, int *status, int options),
     (pid, status, options), EINTR)
CALL(int, -1, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options),
     (kind, id, info, options), EINTR)

int torture_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int torture_clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
    static const int errors[] = {EAGAIN, ENOMEM};
    if (torture_fails("clone", errors, 2))
        return -1;
    va_list more;
    va_start(more, arg);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
    void *pidfd = flags & CLONE_PIDFD ? va_arg(more, void *) : NULL;
    va_end(more);
    return clone(fn, stack, flags, arg, pidfd);
}

/* ---- by number ---- */

struct numbered {
    long number;
    const char *name;
    int errors[TORTURE_WAYS];
};
static const struct numbered numbered[] = {
    {SYS_io_uring_setup, "io_uring_setup", {ENOMEM, ENOSYS, EMFILE}},
    {SYS_io_uring_register, "io_uring_register", {ENOMEM, EINVAL, 0}},
    {SYS_io_uring_enter, "io_uring_enter", {EINTR, EBUSY, EAGAIN}},
    {SYS_pidfd_open, "pidfd_open", {EMFILE, ENOSYS, 0}},
    {SYS_close_range, "close_range", {ENOSYS, ENOMEM, 0}},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_pwait2", {EINTR, 0, 0}},
#endif
    {SYS_preadv2, "preadv2", {EAGAIN, ENOSYS, EIO}},
    {SYS_pwritev2, "pwritev2", {EIO, EOPNOTSUPP, EINTR}},
    {SYS_getrandom, "getrandom", {ENOSYS, EINTR, 0}},
};

static bool numbered_fails(long number)
{
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        const struct numbered *n = &numbered[i];
        size_t errors = 0;
        while (errors < TORTURE_WAYS && n->errors[errors])
            errors++;
        if (n->number == number)
            return torture_fails(n->name, n->errors, errors);
    }
    return false;
}

/* It takes more arguments than it may have been given. */
long torture_syscall(long number, ...);
#if defined(__GNUC__)
__attribute__((no_sanitize_address))
#endif
long torture_syscall(long number, ...)
{
    va_list more;
    long a[6];
    if (numbered_fails(number))
        return -1;
    va_start(more, number);
    for (int i = 0; i < 6; i++)
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not */
        a[i] = va_arg(more, long);
    va_end(more);
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- as files of any size have them ---- */

#define ALIAS64(name)                                                          \
    extern __typeof__(torture_##name) torture_##name##64                       \
        __attribute__((alias("torture_" #name)));
ALIAS64(fcntl)
ALIAS64(fstat)
ALIAS64(fstatat)
ALIAS64(ftruncate)
ALIAS64(lstat)
ALIAS64(mmap)
ALIAS64(open)
ALIAS64(openat)
ALIAS64(pread)
ALIAS64(preadv)
ALIAS64(pwritev)
ALIAS64(sendfile)
