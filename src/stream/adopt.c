/* adopt.c - descriptors of the program's become transports. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

#include <assert.h>

static int adopt_refuse(int error, const char *what, rondo_fd fd,
                        const char *why)
{
    return error_set(error, "%s: descriptor %lld %s", what, (long long)fd, why);
}

/* Bound to nothing means it never was connected; a connection that was reset
 * already has its own way to say so. */
static int adopt_check_connected(rondo_fd fd, const char *what)
{
    rondo_address address;
    int error = sys_peer_address(sys_fd_of(fd), &address);
    if (error != RONDO_ENOTCONN)
        return 0;
    if (sys_local_address(sys_fd_of(fd), &address) == 0 &&
        rondo_address_family(&address) != RONDO_FAMILY_UNIX &&
        rondo_address_port(&address) != 0)
        return 0;
    return adopt_refuse(RONDO_EINVAL, what, fd, "is not connected");
}

int stream_adopt(rondo_loop *loop, rondo_fd fd, const char *what,
                 rondo_transport **t)
{
    switch (sys_kind(sys_fd_of(fd))) {
    case SYS_KIND_BAD:
        return adopt_refuse(RONDO_EBADF, what, fd, "is not open");
    case SYS_KIND_LISTENER:
        return adopt_refuse(RONDO_EINVAL, what, fd, "is a listening socket");
    case SYS_KIND_STREAM:
        break;
    default:
        return adopt_refuse(RONDO_EINVAL, what, fd, "is not a stream socket");
    }
    if (io_find_used(loop, sys_fd_of(fd)))
        return adopt_refuse(RONDO_EBUSY, what, fd, "is in use by the loop");
    int error = adopt_check_connected(fd, what);
    if (error)
        return error;
    error = stream_new_connected(loop, sys_fd_of(fd), NULL, NULL, t);
    if (error)
        return error_in(what, error);
    error = sys_adopt(sys_fd_of(fd));
    if (error) {
        (void)error_os(error, "%s: cannot make descriptor %lld non-blocking",
                       what, (long long)fd);
        stream_give_back(*t);
    }
    return error;
}

int rondo_connect_accepted_socket(rondo_loop *loop, rondo_fd socket,
                                  const rondo_protocol *protocol, void *self,
                                  rondo_transport **transport)
{
    rondo_transport *t = NULL;
    const char *what = "connect_accepted_socket";
    int error = loop_check_create(loop, what);
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (!error)
        error = stream_adopt(loop, socket, what, &t);
    if (error)
        return error;
    assert(t);
    (void)sys_option(t->io.fd, SYS_NO_DELAY, true);
    stream_open(t, protocol, self);
    stream_begin_later(t);
    if (transport)
        *transport = t;
    return 0;
}

/* ---- half a transport: pipes and the like ---- */

static int adopt_check_kind(rondo_fd fd, unsigned flags, const char *what)
{
    switch (sys_kind(sys_fd_of(fd))) {
    case SYS_KIND_BAD:
        return adopt_refuse(RONDO_EBADF, what, fd, "is not open");
    case SYS_KIND_LISTENER:
        return adopt_refuse(RONDO_EINVAL, what, fd, "is a listening socket");
    case SYS_KIND_SOCKET:
    case SYS_KIND_DATAGRAM:
        return adopt_refuse(RONDO_EINVAL, what, fd, "is not a stream socket");
    case SYS_KIND_FILE:
        if (sys_is_directory(sys_fd_of(fd)))
            return adopt_refuse(RONDO_EINVAL, what, fd, "is a directory");
        if (!(flags & RONDO_PIPE_FILE))
            return adopt_refuse(RONDO_EINVAL, what, fd,
                                "is a file: connect_read_pipe and "
                                "connect_write_pipe take it with "
                                "RONDO_PIPE_FILE");
        break;
    case SYS_KIND_STREAM:
        return adopt_check_connected(fd, what);
    case SYS_KIND_OTHER:
        break;
    }
    return 0;
}

static int adopt_check_pipe(rondo_loop *loop, rondo_fd fd, unsigned side,
                            unsigned flags, const char *what)
{
    if (!rondo_loop_supports(loop, RONDO_CAN_PIPES))
        return error_set(RONDO_ENOTSUP,
                         "%s: this backend has no pipes; \"iocp\" has", what);
    if (flags & ~(unsigned)(RONDO_PIPE_BORROW | RONDO_PIPE_FILE))
        return error_set(RONDO_EINVAL, "%s: unknown flags 0x%x", what, flags);
    int error = adopt_check_kind(fd, flags, what);
    if (!error && (sys_pipe_sides(sys_fd_of(fd)) & side) != side)
        error = adopt_refuse(RONDO_EINVAL, what, fd,
                             side == SIDE_READ    ? "is not open for reading"
                             : side == SIDE_WRITE ? "is not open for writing"
                                                  : "is not open for both");
    return error;
}

static int adopt_connect_pipe(rondo_loop *loop, rondo_fd fd, unsigned side,
                              unsigned flags, const rondo_protocol *protocol,
                              void *self, rondo_transport **transport)
{
    rondo_transport *t = NULL;
    const char *what =
        side == SIDE_READ ? "connect_read_pipe" : "connect_write_pipe";
    int error = loop_check_create(loop, what);
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (!error)
        error = adopt_check_pipe(loop, fd, side, flags, what);
    if (error)
        return error;
    error = stream_new_pipe(loop, sys_fd_of(fd), side, flags, &t);
    if (error)
        return error_in(what, error);
    assert(t);
    stream_open(t, protocol, self);
    stream_begin_later(t);
    if (transport)
        *transport = t;
    return 0;
}

/* ---- a whole one, of any descriptor ---- */

enum { ADOPT_OPTIONS = RONDO_ADOPT_NO_DELAY | RONDO_ADOPT_KEEP_ALIVE };

static int adopt_check_flags(unsigned flags, const char *what)
{
    if (flags & ~(unsigned)(RONDO_PIPE_BORROW | ADOPT_OPTIONS))
        return error_set(RONDO_EINVAL, "%s: unknown flags 0x%x", what, flags);
    if (flags & RONDO_PIPE_BORROW && flags & ADOPT_OPTIONS)
        return error_set(RONDO_EINVAL,
                         "%s: a borrowed descriptor's options are not set",
                         what);
    return 0;
}

static int adopt_socket(rondo_loop *loop, rondo_fd fd, unsigned flags,
                        const char *what, rondo_transport **t)
{
    int error = stream_adopt(loop, fd, what, t);
    if (error)
        return error;
    assert(*t);
    if (flags & RONDO_ADOPT_NO_DELAY)
        (void)sys_option((*t)->io.fd, SYS_NO_DELAY, true);
    if (flags & RONDO_ADOPT_KEEP_ALIVE)
        (void)sys_option((*t)->io.fd, SYS_KEEP_ALIVE, true);
    return 0;
}

/* Half a transport has a thread for a device that the backend refuses; a whole
 * one has none. */
static int adopt_probe(rondo_loop *loop, rondo_fd fd, const char *what)
{
    if (sys_kind(sys_fd_of(fd)) != SYS_KIND_OTHER)
        return 0;
    int error = io_try(loop, sys_fd_of(fd));
    return error ? error_in(what, error) : 0;
}

static int adopt_both_sides(rondo_loop *loop, rondo_fd fd, unsigned flags,
                            const char *what, rondo_transport **t)
{
    const unsigned both = SIDE_READ | SIDE_WRITE;
    flags &= RONDO_PIPE_BORROW;
    int error = adopt_check_pipe(loop, fd, both, flags, what);
    if (!error)
        error = adopt_probe(loop, fd, what);
    if (error)
        return error;
    error = stream_new_pipe(loop, sys_fd_of(fd), both, flags, t);
    return error ? error_in(what, error) : 0;
}

int rondo_adopt(rondo_loop *loop, rondo_fd fd, unsigned flags,
                const rondo_protocol *protocol, void *self,
                rondo_transport **transport)
{
    rondo_transport *t = NULL;
    const char *what = "adopt";
    int error = loop_check_create(loop, what);
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (!error)
        error = adopt_check_flags(flags, what);
    if (error)
        return error;
    bool lent = flags & RONDO_PIPE_BORROW;
    if (!lent && sys_kind(sys_fd_of(fd)) == SYS_KIND_STREAM)
        error = adopt_socket(loop, fd, flags, what, &t);
    else
        error = adopt_both_sides(loop, fd, flags, what, &t);
    if (error)
        return error;
    assert(t);
    stream_open(t, protocol, self);
    stream_begin_later(t);
    if (transport)
        *transport = t;
    return 0;
}

rondo_fd rondo_stdio(int which)
{
    sys_fd fd = which >= 0 && which <= 2 ? sys_stdio(which) : SYS_NO_FD;
    if (fd != SYS_NO_FD)
        return (rondo_fd)fd;
    error_set(RONDO_EINVAL, "stdio: no standard descriptor %d", which);
    return RONDO_NO_FD;
}

int rondo_connect_read_pipe(rondo_loop *loop, rondo_fd fd, unsigned flags,
                            const rondo_protocol *protocol, void *self,
                            rondo_transport **transport)
{
    return adopt_connect_pipe(loop, fd, SIDE_READ, flags, protocol, self,
                              transport);
}

int rondo_connect_write_pipe(rondo_loop *loop, rondo_fd fd, unsigned flags,
                             const rondo_protocol *protocol, void *self,
                             rondo_transport **transport)
{
    return adopt_connect_pipe(loop, fd, SIDE_WRITE, flags, protocol, self,
                              transport);
}
