/* sim_sendfile.c - sendfile(2) of macOS and of FreeBSD, over that of Linux. */
/* SPDX-License-Identifier: MIT */
#include "bsd.h"
#include "sim.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/sendfile.h>

static struct {
    off_t bytes;
    int os_error; /* 0: no call is to be cut */
} cut;
static atomic_uint calls;

bool sim_sends(void)
{
    return sim_profile()->sendfile;
}

void sim_cut_sendfile(int64_t bytes, int os_error)
{
    sim_lock();
    cut.bytes = (off_t)bytes;
    cut.os_error = os_error;
    sim_unlock();
}

unsigned sim_sendfiles(void)
{
    return atomic_load(&calls);
}

/* They ask first whether the socket is connected, and do not take its error. */
static bool is_connected(int to)
{
    struct pollfd asked = {.fd = to};

    return poll(&asked, 1, 0) == 0 || !(asked.revents & (POLLHUP | POLLERR));
}

/* They go on until all has been sent, the file ends or the socket is full. */
static int send_all(int file, int to, off_t offset, off_t size, off_t *sent)
{
    while (*sent < size) {
        ssize_t count = sendfile(to, file, &offset, (size_t)(size - *sent));

        if (count < 0)
            return -1;
        if (count == 0)
            return 0;
        *sent += count;
    }
    return 0;
}

static int send_some(int file, int to, off_t offset, off_t size, off_t *sent)
{
    off_t most = size;
    int os_error, result;

    if (!sim_sends()) {
        errno = ENOSYS;
        return -1;
    }
    sim_lock(); /* no SIGPIPE is raised: it stays blocked */
    os_error = cut.os_error;
    if (os_error && cut.bytes < most)
        most = cut.bytes;
    cut.os_error = 0;
    sim_unlock();
    if (!is_connected(to)) {
        errno = ENOTCONN;
        return -1;
    }
    result = send_all(file, to, offset, most, sent);
    if (result == 0 && os_error) {
        errno = os_error;
        result = -1;
    }
    return result;
}

/* Neither raises SIGPIPE. Those that wait already stay. */
static int send_quietly(int file, int to, off_t offset, off_t size, off_t *sent)
{
    static const struct timespec now = {0, 0};
    sigset_t sigpipe, before, pending;
    int result, os_error;

    atomic_fetch_add(&calls, 1);
    *sent = 0;
    (void)sigemptyset(&sigpipe);
    (void)sigaddset(&sigpipe, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    /* a size of 0 is all there is */
    result = send_some(file, to, offset, size ? size : (off_t)SSIZE_MAX, sent);
    os_error = errno;
    if (result < 0 && os_error == EPIPE && !sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&sigpipe, NULL, &now);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = os_error;
    return result;
}

int sim_sendfile_macos(int file, int to, off_t offset, off_t *size,
                       struct sf_hdtr *more, int flags)
{
    off_t sent;
    int result = send_quietly(file, to, offset, *size, &sent);

    *size = sent;
    if (more || flags) {
        errno = EINVAL;
        return -1;
    }
    return result;
}

int sim_sendfile_freebsd(int file, int to, off_t offset, size_t size,
                         struct sf_hdtr *more, off_t *sent, int flags)
{
    if (more || flags) {
        errno = EINVAL;
        return -1;
    }
    return send_quietly(file, to, offset, (off_t)size, sent);
}
