/* ready.c - asks a descriptor: is it ready, has its reader left: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- is it ready? ---- */

#ifndef __linux__
static unsigned unix_ready_select(int fd, unsigned side, int cancel,
                                  int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000};
    timeout.tv_usec = timeout_ms % 1000 * 1000;
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    if (cancel >= 0)
        FD_SET(cancel, &readable);
    FD_SET(fd, side == SIDE_READ ? &readable : &writable);
    if (select((fd > cancel ? fd : cancel) + 1, &readable, &writable, NULL,
               timeout_ms < 0 ? NULL : &timeout) <= 0)
        return 0;
    return (FD_ISSET(fd, side == SIDE_READ ? &readable : &writable) ? UNIX_READY
                                                                    : 0U) |
           (cancel >= 0 && FD_ISSET(cancel, &readable) ? UNIX_CANCELED : 0U);
}
#endif

/* macOS: poll(2) is a kqueue, so it refuses devices and does not report the end
 * of a FIFO. NetBSD: kqueue asks the wrong socket of a FIFO. select(2) has
 * neither fault, but takes numbers below FD_SETSIZE only. */
unsigned unix_ready(int fd, unsigned side, int cancel, int timeout_ms)
{
    assert(fd >= 0 && (side == SIDE_READ || side == SIDE_WRITE));
#ifndef __linux__
    if (fd < FD_SETSIZE && cancel < FD_SETSIZE)
        return unix_ready_select(fd, side, cancel, timeout_ms);
#endif
    struct pollfd asked[] = {
        {.fd = fd, .events = side == SIDE_READ ? POLLIN : POLLOUT},
        {.fd = cancel, .events = POLLIN}}; /* poll(2) skips -1 */
    if (poll(asked, 2, timeout_ms) <= 0)
        return 0;
    return (asked[0].revents ? UNIX_READY : 0U) |
           (asked[1].revents ? UNIX_CANCELED : 0U);
}

/* ---- has its reader left? ---- */

/* macOS reports only what was asked for. A socket is asked for its writing
 * side: the reading one would report a peer that has only ended its own
 * writing. The writing end of a pipe is asked for its reading side, because
 * macOS before 10.15 refuses EVFILT_WRITE without a reader (POLLNVAL). */
static bool unix_ready_has_hung_up(int fd, short events)
{
    struct pollfd asked = {.fd = fd, .events = events};
    return poll(&asked, 1, 0) == 1 && asked.revents & (POLLHUP | POLLERR);
}

bool unix_terminal_hung_up(int fd)
{
    return unix_ready_has_hung_up(fd, POLLOUT);
}

#ifndef __linux__
/* NetBSD's poll knows no POLLHUP for a socket. An empty send does nothing, or
 * says why the connection has ended. */
static bool unix_ready_send_fails(int fd)
{
    int64_t sent = sys_send(fd, "", 0);
    return sent < 0 && sent != RONDO_EAGAIN;
}

/* Neither poll(2) nor kqueue tells the writer of a FIFO on macOS, NetBSD and
 * OpenBSD. Their kernels look for a reader before they look at the size, so an
 * empty write does nothing, or is EPIPE. macOS and NetBSD send SIGPIPE to the
 * process, where blocking it in this thread does not help: so it is switched
 * off for the open file, where that can be done. */
static bool unix_ready_write_fails(int fd)
{
    struct unix_quiet quiet;
#ifdef F_SETNOSIGPIPE
    int before = fcntl(fd, F_GETNOSIGPIPE);
    if (before == 0)
        (void)fcntl(fd, F_SETNOSIGPIPE, 1);
#endif
    unix_quiet_begin(&quiet);
    bool failed = write(fd, "", 0) < 0 && errno == EPIPE;
    unix_quiet_end(&quiet, !failed);
#ifdef F_SETNOSIGPIPE
    if (before == 0)
        (void)fcntl(fd, F_SETNOSIGPIPE, 0);
#endif
    return failed;
}
#endif

bool unix_reader_left(int fd, bool socket)
{
    if (unix_ready_has_hung_up(fd, socket ? POLLOUT : POLLIN))
        return true;
#ifdef __linux__
    return false;
#else
    return socket ? unix_ready_send_fails(fd) : unix_ready_write_fails(fd);
#endif
}
#endif
