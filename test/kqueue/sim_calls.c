/* sim_calls.c - SIGPIPE, options and other calls as a BSD has them. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include "bsd.h"
#undef getsockopt
#undef setsockopt
#undef fcntl
#undef accept
#undef send
#undef sendto
#undef sendmsg
#undef sysconf
#undef write
#undef writev
#undef poll

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

/* ---- SO_NOSIGPIPE and F_SETNOSIGPIPE ------------------------------------ */

/* Linux keeps a number with each open file that nothing here uses otherwise:
 * the signal of O_ASYNC. */
enum { QUIET = 40 };

static bool is_quiet(int fd)
{
    return fcntl(fd, F_GETSIG) == QUIET;
}

static int set_quiet(int fd, bool quiet)
{
    return fcntl(fd, F_SETSIG, quiet ? QUIET : 0);
}

int sim_fcntl(int fd, int command, ...)
{
    va_list list;
    long argument;

    va_start(list, command);
    argument = va_arg(list, long);
    va_end(list);
    if (command != F_GETNOSIGPIPE && command != F_SETNOSIGPIPE)
        return fcntl(fd, command, argument);
    if (!sim_profile()->quiet_pipes) {
        errno = EINVAL;
        return -1;
    }
    if (command == F_GETNOSIGPIPE)
        return fcntl(fd, F_GETFD) < 0 ? -1 : is_quiet(fd);
    return set_quiet(fd, argument != 0);
}

/* xnu: sosetoptlock refuses when both SS_CANTRCVMORE and SS_CANTSENDMORE are
 * set: after a reset, and when the peer of a unix socket has closed. A socket
 * that was never connected has POLLHUP on Linux, but no POLLRDHUP. */
static bool is_shut(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLRDHUP};

    return poll(&asked, 1, 0) == 1 &&
           (asked.revents & POLLERR ||
            (asked.revents & POLLHUP && asked.revents & POLLRDHUP));
}

int sim_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    if (level != SOL_SOCKET || option != SO_NOSIGPIPE)
        return getsockopt(fd, level, option, value, size);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, value, size) < 0)
        return -1;
    *(int *)value = is_quiet(fd);
    return 0;
}

/* in_pcbbind: datagram sockets share a port if all have SO_REUSEPORT; what
 * SO_REUSEADDR allows besides is not seen here. Linux shares by the latter. */
static bool is_about_sharing(int level, int option, int type)
{
    return level == SOL_SOCKET && type == SOCK_DGRAM &&
           (option == SO_REUSEADDR || option == SO_REUSEPORT);
}

int sim_setsockopt(int fd, int level, int option, const void *value,
                   unsigned size)
{
    socklen_t type_size = sizeof(int);
    int type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0)
        return -1;
    if (sim_profile()->shut_refuses && is_shut(fd)) {
        errno = EINVAL;
        return -1;
    }
    if (level == SOL_SOCKET && option == SO_NOSIGPIPE)
        return set_quiet(fd, *(const int *)value != 0);
    if (is_about_sharing(level, option, type)) {
        if (option == SO_REUSEADDR)
            return 0;
        option = SO_REUSEADDR;
    }
    return setsockopt(fd, level, option, value, size);
}

/* xnu: sonewconn hands SOF_NOSIGPIPE down. */
int sim_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    int accepted = accept(fd, address, size);

    if (accepted >= 0 && is_quiet(fd))
        (void)set_quiet(accepted, true);
    return accepted;
}

/* ---- SIGPIPE ------------------------------------------------------------ */

static sigset_t only_sigpipe(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    return set;
}

static bool is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

struct hold {
    sigset_t before;
    bool pending;
};

static void hold(struct hold *h)
{
    sigset_t set = only_sigpipe();

    (void)pthread_sigmask(SIG_BLOCK, &set, &h->before);
    h->pending = is_pending();
}

/* What Linux sent to this thread goes to the process instead, or nowhere. */
static void let_go(const struct hold *h, bool quiet)
{
    static const struct timespec now = {0, 0};
    sigset_t set = only_sigpipe();
    int os_error = errno;
    bool came = !h->pending && is_pending();

    if (came)
        (void)sigtimedwait(&set, NULL, &now);
    (void)pthread_sigmask(SIG_SETMASK, &h->before, NULL);
    if (came && !quiet)
        (void)kill(getpid(), SIGPIPE);
    errno = os_error;
}

static int flags_of(int fd, int flags)
{
    if (sim_profile()->ignores_flag)
        flags &= ~MSG_NOSIGNAL;
    return is_quiet(fd) ? flags | MSG_NOSIGNAL : flags;
}

static atomic_uint sends_to_fail;
static atomic_int send_error;

void sim_fail_sends(int os_error, unsigned times)
{
    atomic_store(&send_error, os_error);
    atomic_store(&sends_to_fail, times);
}

static bool send_fails(int fd)
{
    if (!atomic_load(&sends_to_fail) ||
        !sim_is_socket(fd, SO_TYPE, SOCK_STREAM))
        return false;
    (void)atomic_fetch_sub(&sends_to_fail, 1);
    errno = atomic_load(&send_error);
    return true;
}

ssize_t sim_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct hold h;
    ssize_t count;

    if (send_fails(fd))
        return -1;
    flags = flags_of(fd, flags);
    /* by the function that tests of failing sends replace */
    if (sim_is_socket(fd, SO_TYPE, SOCK_DGRAM)) {
        struct mmsghdr one = {.msg_hdr = *message};

        return sendmmsg(fd, &one, 1, flags) < 0 ? -1 : (ssize_t)one.msg_len;
    }
    if (flags & MSG_NOSIGNAL || !sim_profile()->any_thread)
        return sendmsg(fd, message, flags);
    hold(&h);
    count = sendmsg(fd, message, flags);
    let_go(&h, false);
    return count;
}

ssize_t sim_sendto(int fd, const void *data, size_t size, int flags,
                   const void *to, socklen_t to_size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = to_size,
                             .msg_iov = &part,
                             .msg_iovlen = 1};

    /* by the function that tests of failing sends replace */
    if (to || sim_is_socket(fd, SO_TYPE, SOCK_DGRAM))
        return sendto(fd, data, size, flags_of(fd, flags), to, to_size);
    return sim_sendmsg(fd, &message, flags);
}

ssize_t sim_send(int fd, const void *data, size_t size, int flags)
{
    return sim_sendto(fd, data, size, flags, NULL, 0);
}

/* The BSDs look for a reader before they look at the size. */
static bool has_no_reader(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLOUT};

    return sim_is_fifo(fd, false) && poll(&asked, 1, 0) == 1 &&
           asked.revents & POLLERR;
}

ssize_t sim_writev(int fd, const struct iovec *parts, int count)
{
    bool quiet = is_quiet(fd);
    struct hold h;
    ssize_t written;

    if (!quiet && !sim_profile()->any_thread)
        return writev(fd, parts, count);
    hold(&h);
    written = writev(fd, parts, count);
    let_go(&h, quiet);
    return written;
}

ssize_t sim_write(int fd, const void *data, size_t size)
{
    if (size || !has_no_reader(fd))
        return write(fd, data, size);
    if (!is_quiet(fd) && sim_profile()->any_thread)
        (void)kill(getpid(), SIGPIPE);
    else if (!is_quiet(fd))
        (void)pthread_kill(pthread_self(), SIGPIPE);
    errno = EPIPE;
    return -1;
}

/* ---- others ------------------------------------------------------------- */

static atomic_bool limit_hidden;

void sim_hide_limit(bool hide)
{
    atomic_store(&limit_hidden, hide);
}

long sim_sysconf(int name)
{
    if (name == _SC_OPEN_MAX && atomic_load(&limit_hidden))
        return -1;
    return sysconf(name);
}

int sim_sysctl(const int *name, unsigned count, void *value, size_t *size,
               const void *new_value, size_t new_size)
{
    int64_t tick = sim_profile()->tick_ns;
    struct clockinfo *rate = value;

    (void)new_value;
    if (count != 2 || name[0] != CTL_KERN || name[1] != KERN_CLOCKRATE ||
        *size < sizeof *rate || new_size || tick < 1000000) {
        errno = ENOENT; /* whose waits are finer has no such ticks */
        return -1;
    }
    *size = sizeof *rate;
    rate->hz = (int)(1000000000 / tick);
    return 0;
}
