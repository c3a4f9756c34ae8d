/* wake.c - the wake-up: a descriptor that any thread can make readable. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#ifdef __linux__
int wake_open(struct wake *wake)
{
    int fd = unix_keep(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    wake->fd[0] = wake->fd[1] = fd;
    if (fd < 0)
        return error_os(error_from_os(errno), "eventfd");
    assert(fd > 2);
    return 0;
}
#else
int wake_open(struct wake *wake)
{
    int failed = unix_pipe(wake->fd);
    if (failed) {
        wake->fd[0] = wake->fd[1] = SYS_NO_FD;
        return error_os(failed, "pipe");
    }
    for (int i = 0; i < 2; i++) {
        if (unix_nonblocking(wake->fd[i], true) < 0) {
            int error = error_os(error_from_os(errno), "pipe");
            wake_close(wake);
            return error;
        }
    }
    assert(wake->fd[0] > 2 && wake->fd[1] > 2 && wake->fd[0] != wake->fd[1]);
    return 0;
}
#endif

/* A loop whose wake-up could not be made anew may still be woken: the number
 * must not stay, since it may name another file by then. */
void wake_close(struct wake *wake)
{
    assert(wake->fd[0] < 0 || wake->fd[0] > 2);
    sys_close(wake->fd[0]);
    if (wake->fd[1] != wake->fd[0])
        sys_close(wake->fd[1]);
    wake->fd[0] = wake->fd[1] = SYS_NO_FD;
}

/* Runs in signal handlers too, so it keeps errno. EAGAIN is ignored: a pipe
 * that is full is readable, which is all that a wake-up needs. */
void wake_send(const struct wake *wake)
{
    uint64_t one = 1;
    int before = errno;
    assert(wake->fd[1] < 0 || wake->fd[1] > 2);
    while (write(wake->fd[1], &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = before;
}

int wake_drain(const struct wake *wake)
{
    char bytes[512];
    ssize_t count;
    assert(wake->fd[0] < 0 || wake->fd[0] > 2);
    do {
        count = read(wake->fd[0], bytes, sizeof bytes);
    } while (count == sizeof bytes || (count < 0 && errno == EINTR));
    if (count > 0 || (count < 0 && errno == EAGAIN))
        return 0;
    return error_os(error_from_os(count ? errno : EPIPE), "read");
}
#endif
