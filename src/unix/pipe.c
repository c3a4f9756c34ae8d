/* pipe.c - pipes, terminals and devices: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <sys/vfs.h>
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100 /* since Linux 6.18 */
#endif
enum { ANONYMOUS_PIPES = 0x50495045 }; /* PIPEFS_MAGIC */
#endif

enum { PARTS = 64 };

/* ---- opening again ---- */

/* Opening the master of a pseudo terminal again creates another terminal. */
static bool unix_pipe_is_master(int fd)
{
#ifdef __linux__
    char name[64];
    return ptsname_r(fd, name, sizeof name) == 0;
#else
    return ptsname(fd) != NULL;
#endif
}

/* A named FIFO is not opened again: Linux reports the end to a reader only if a
 * writer has left since the reader was opened. */
static bool unix_pipe_has_twin(const struct sys_pipe *pipe, bool shared)
{
    if (pipe->terminal)
        return !unix_pipe_is_master(pipe->given);
#ifdef __linux__
    struct statfs fs;
    return shared && pipe->fifo && fstatfs(pipe->given, &fs) == 0 &&
           fs.f_type == ANONYMOUS_PIPES;
#else
    (void)shared;
    return false;
#endif
}

/* Opens the same pipe or terminal once more, as the twin. O_NONBLOCK belongs to
 * the open file, which stdin, stdout and stderr share with the shell and other
 * programs. The twin is an open file of its own, so they do not notice. */
static int unix_pipe_open_twin(const struct sys_pipe *pipe, unsigned side)
{
    char path[128];
    struct stat one, other;
#ifdef __linux__
    snprintf(path, sizeof path, "/proc/self/fd/%d", pipe->given);
#else
    if (ttyname_r(pipe->given, path, sizeof path) != 0)
        return -1;
#endif
    int how = side == SIDE_READ    ? O_RDONLY
              : side == SIDE_WRITE ? O_WRONLY
                                   : O_RDWR;
    int fd = unix_keep(open(path, how | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (fd < 0)
        return -1;
    if (fstat(fd, &one) == 0 && fstat(pipe->given, &other) == 0 &&
        one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
        one.st_rdev == other.st_rdev)
        return fd;
    close(fd);
    return -1;
}

static void unix_pipe_keep_signal_off(struct sys_pipe *pipe)
{
    if (pipe->socket)
        unix_protect(pipe->fd);
#ifdef F_SETNOSIGPIPE
    int before = pipe->signals ? fcntl(pipe->fd, F_GETNOSIGPIPE) : -1;
    if (before < 0 || fcntl(pipe->fd, F_SETNOSIGPIPE, 1) < 0)
        return;
    pipe->signals = false;
    pipe->restore_signal = !before && pipe->fd == pipe->given;
#endif
    (void)pipe;
}

unsigned sys_pipe_sides(sys_fd fd)
{
    int flags = fcntl(fd, F_GETFL);
    int mode = flags < 0 ? -1 : flags & O_ACCMODE;
    return (mode == O_RDONLY || mode == O_RDWR ? SIDE_READ : 0U) |
           (mode == O_WRONLY || mode == O_RDWR ? SIDE_WRITE : 0U);
}

/* Makes calls non-blocking: by a twin, else in the mode of the open file. */
static int unix_pipe_unblock(struct sys_pipe *pipe, unsigned side, bool shared)
{
    int flags = fcntl(pipe->given, F_GETFL);
    if (flags < 0)
        return unix_fail();
    int twin =
        unix_pipe_has_twin(pipe, shared) ? unix_pipe_open_twin(pipe, side) : -1;
    if (twin >= 0) {
        pipe->fd = twin;
    } else if (!(flags & O_NONBLOCK)) {
        if (fcntl(pipe->given, F_SETFL, flags | O_NONBLOCK) != 0)
            return unix_fail();
        pipe->restore_mode = true;
    }
    return 0;
}

int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe)
{
    struct stat status;
    assert(fd >= 0);
    *pipe = (struct sys_pipe){.given = fd, .fd = fd, .cancel = {-1, -1}};
    if (fstat(fd, &status) != 0)
        return unix_fail();
    pipe->socket = S_ISSOCK(status.st_mode);
    pipe->fifo = S_ISFIFO(status.st_mode);
    pipe->terminal = S_ISCHR(status.st_mode) && isatty(fd);
    pipe->file = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
    pipe->signals = pipe->fifo && side & SIDE_WRITE;
    /* calls on a socket pass MSG_DONTWAIT; a file always blocks */
    int error =
        pipe->socket || pipe->file ? 0 : unix_pipe_unblock(pipe, side, shared);
    if (!error)
        unix_pipe_keep_signal_off(pipe);
    assert(pipe->fd == fd || pipe->fd > 2);
    return error;
}

static void unix_pipe_restore(const struct sys_pipe *pipe)
{
    if (pipe->restore_mode)
        (void)unix_nonblocking(pipe->given, false);
#ifdef F_SETNOSIGPIPE
    if (pipe->restore_signal)
        (void)fcntl(pipe->given, F_SETNOSIGPIPE, 0);
#endif
}

void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited)
{
    int before = errno;
    assert((pipe->cancel[0] < 0) == (pipe->cancel[1] < 0));
    sys_close(pipe->cancel[0]);
    sys_close(pipe->cancel[1]);
    if (pipe->fd != pipe->given)
        sys_close(pipe->fd);
    if (close)
        sys_close(pipe->given);
    else if (!inherited)
        unix_pipe_restore(pipe);
    pipe->fd = pipe->given = SYS_NO_FD;
    errno = before;
}

/* ---- bytes ---- */

int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size)
{
    if (pipe->socket)
        return sys_recv(pipe->fd, data, size);
    ssize_t count = read(pipe->fd, data, size);
    if (count < 0 && errno == EIO && pipe->terminal)
        return 0; /* Linux: the master of this terminal is closed */
    return count < 0 ? unix_fail() : count;
}

static ssize_t unix_pipe_write_quietly(int fd, const struct iovec *parts,
                                       int count)
{
    struct unix_quiet quiet;
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    unix_quiet_begin(&quiet);
    ssize_t written = writev(fd, parts, count);
    unix_quiet_end(&quiet, written == (ssize_t)size);
    return written;
}

static ssize_t unix_pipe_write_parts(struct sys_pipe *pipe,
                                     const struct iovec *parts, int count)
{
    assert(!pipe->socket && count <= PARTS);
    if (!pipe->signals)
        return writev(pipe->fd, parts, count);
#if defined(__linux__) && defined(SYS_pwritev2)
    if (!pipe->plain) {
        long written = syscall(SYS_pwritev2, pipe->fd, parts, (long)count, -1L,
                               -1L, RWF_NOSIGNAL);
        if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return written;
        pipe->plain = true; /* the kernel does not know RWF_NOSIGNAL */
    }
#endif
    return unix_pipe_write_quietly(pipe->fd, parts, count);
}

bool sys_pipe_tries(const struct sys_pipe *pipe)
{
    (void)pipe;
    return true;
}

/* A write to a terminal has failed: has its other side hung up? To the master,
 * Linux says that it would block, and polls it as ready for ever. */
static bool unix_pipe_is_left(const struct sys_pipe *pipe, int error)
{
    return error == RONDO_EIO ||
           (error == RONDO_EAGAIN && unix_terminal_hung_up(pipe->fd));
}

int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count)
{
    if (pipe->socket)
        return sys_sendv(pipe->fd, buffers, count);
    struct iovec parts[PARTS];
    int used = count < PARTS ? (int)count : PARTS;
    for (int i = 0; i < used; i++) {
        parts[i].iov_base = (void *)(uintptr_t)buffers[i].data;
        parts[i].iov_len = buffers[i].size;
    }
    ssize_t written = unix_pipe_write_parts(pipe, parts, used);
    if (written >= 0)
        return written;
    int error = unix_fail();
    return pipe->terminal && unix_pipe_is_left(pipe, error) ? RONDO_EPIPE
                                                            : error;
}

/* ---- on a thread ---- */

bool sys_pipe_blocks(const struct sys_pipe *pipe)
{
    return pipe->file;
}

/* A call on a file returns by itself. A device that the backend refuses may
 * never become ready, so the thread waits for it together with a pipe, into
 * which sys_pipe_cancel writes. */
int sys_pipe_block(struct sys_pipe *pipe)
{
    assert(pipe->cancel[0] < 0 && pipe->cancel[1] < 0);
    if (!pipe->file)
        return unix_pipe(pipe->cancel);
    unix_pipe_restore(pipe);
    pipe->restore_mode = pipe->restore_signal = false;
    return 0;
}

/* 0: try again, although a signal may be all that ended the wait. */
static int unix_pipe_wait_for(const struct sys_pipe *pipe, bool reads)
{
    if (pipe->cancel[0] < 0)
        return 0;
    unsigned side = reads ? SIDE_READ : SIDE_WRITE;
    return unix_ready(pipe->fd, side, pipe->cancel[0], -1) & UNIX_CANCELED
               ? error_from_os(ECANCELED)
               : 0;
}

int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size)
{
    int64_t count;
    while ((count = sys_pipe_read(pipe, data, size)) == RONDO_EAGAIN) {
        int error = unix_pipe_wait_for(pipe, true);
        if (error)
            return error;
    }
    return count;
}

int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size)
{
    const rondo_buffer piece = {data, size};
    int64_t count;
    while ((count = sys_pipe_write(pipe, &piece, 1)) == RONDO_EAGAIN) {
        int error = unix_pipe_wait_for(pipe, false);
        if (error)
            return error;
    }
    return count;
}

bool sys_pipe_cancel(struct sys_pipe *pipe)
{
    if (pipe->cancel[1] >= 0)
        (void)!write(pipe->cancel[1], "", 1);
    return false;
}

/* ---- has the reader left? ---- */

bool sys_pipe_tells(const struct sys_pipe *pipe)
{
    return pipe->fifo || pipe->socket;
}

bool sys_pipe_hung_up(const struct sys_pipe *pipe)
{
    assert(sys_pipe_tells(pipe));
    return unix_reader_left(pipe->fd, pipe->socket);
}
#endif
