/* child_stdio.c - makes what becomes the descriptors of a child: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Moves both above 2, or closes both. */
static int child_stdio_keep_both(int fds[2])
{
    for (int i = 0; i < 2; i++)
        fds[i] = unix_keep(fds[i]);
    if (fds[0] >= 0 && fds[1] >= 0)
        return 0;
    int error = error_from_os(errno);
    sys_close(fds[0]);
    sys_close(fds[1]);
    return error;
}

int unix_pipe(int fds[2])
{
#ifdef UNIX_TAKES_FLAGS
    int result = pipe2(fds, O_CLOEXEC);
#else
    int result = pipe(fds);
#endif
    return result < 0 ? error_from_os(errno) : child_stdio_keep_both(fds);
}

static int child_stdio_socket_pair(int fds[2])
{
    int type = SOCK_STREAM;
#ifdef UNIX_TAKES_FLAGS
    type |= SOCK_CLOEXEC;
#endif
    if (socketpair(AF_UNIX, type, 0, fds) < 0)
        return error_from_os(errno);
    return child_stdio_keep_both(fds);
}

int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs)
{
    int fds[2];
    assert(sides && !(sides & ~(unsigned)(SIDE_READ | SIDE_WRITE)));
    int error = sides == (SIDE_READ | SIDE_WRITE) ? child_stdio_socket_pair(fds)
                                                  : unix_pipe(fds);
    if (error)
        return error;
    /* of a pipe, fds[0] reads and fds[1] writes */
    int own = sides == SIDE_WRITE;
    *ours = fds[own];
    *theirs = fds[!own];
    assert(*ours > 2 && *theirs > 2);
    error = sides == (SIDE_READ | SIDE_WRITE) ? sys_adopt(*ours) : 0;
    if (error) {
        sys_close(fds[0]);
        sys_close(fds[1]);
    }
    return error;
}

void sys_child_close(sys_fd fd)
{
    sys_close(fd);
}

int sys_null(sys_fd *fd)
{
    *fd = unix_keep(open("/dev/null", O_RDWR | O_CLOEXEC));
    return *fd < 0 ? error_from_os(errno) : 0;
}
#endif
