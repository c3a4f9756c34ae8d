/* descriptors.c - pipes and pairs of a program's own: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static int descriptors_check_host(const char *what)
{
    return sim_host()
               ? 0
               : error_set(RONDO_EINVAL,
                           "%s: called by the driver, not by a host", what);
}

static int descriptors_get(const char *what, rondo_fd fd,
                           struct sim_socket **found)
{
    int error = descriptors_check_host(what);
    *found = error ? NULL : net_get(sys_fd_of(fd));
    if (error || *found)
        return error;
    return error_os(RONDO_EBADF, "%s: descriptor %lld", what, (long long)fd);
}

static int64_t descriptors_until(int64_t timeout_ns)
{
    return sim_host_deadline(sim_host(), timeout_ns > 0 ? timeout_ns : 0);
}

static int64_t descriptors_result(const char *what, int64_t result)
{
    return result < 0 ? error_os((int)result, "%s", what) : result;
}

/* ---- making ---- */

static int descriptors_give(const char *what, int error, const sys_fd *fds,
                            rondo_fd ends[2])
{
    for (int i = 0; i < 2; i++)
        ends[i] = error ? RONDO_NO_FD : fds[i];
    return error ? error_os(error, "%s", what) : 0;
}

int rondo_sim_pipe(rondo_fd ends[2])
{
    sys_fd fds[2];
    int error = descriptors_check_host("sim_pipe");
    if (error)
        return error;
    error = pipes_make(fds);
    return descriptors_give("sim_pipe", error, fds, ends);
}

int descriptors_pair(sys_fd fds[2])
{
    int error = sys_socket_stream(RONDO_FAMILY_UNIX, &fds[0]);
    if (error)
        return error;
    error = sys_socket_stream(RONDO_FAMILY_UNIX, &fds[1]);
    if (error) {
        sys_close(fds[0]);
        return error;
    }
    struct sim_socket *a = net_get(fds[0]), *b = net_get(fds[1]);
    a->peer = b->local;
    b->peer = a->local;
    a->connected = b->connected = true;
    flow_link(a, b);
    return 0;
}

int rondo_sim_pair(rondo_fd ends[2])
{
    sys_fd fds[2];
    int error = descriptors_check_host("sim_pair");
    if (error)
        return error;
    error = descriptors_pair(fds);
    return descriptors_give("sim_pair", error, fds, ends);
}

/* ---- using ---- */

static int64_t descriptors_read(sys_fd fd, void *data, size_t size)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    return s->is ? s->is->read(s, data, size) : sys_recv(fd, data, size);
}

static int64_t descriptors_write(sys_fd fd, const void *data, size_t size)
{
    const rondo_buffer one = {data, size};
    struct sim_socket *s = net_get(fd);
    return s ? flow_send(s, &one, 1) : RONDO_EBADF;
}

int64_t rondo_sim_read(rondo_fd fd, void *data, size_t size, int64_t timeout_ns)
{
    struct sim_socket *s;
    int64_t result = descriptors_get("sim_read", fd, &s);
    if (result)
        return result;
    int64_t until = descriptors_until(timeout_ns);
    do
        result = descriptors_read(sys_fd_of(fd), data, size);
    while (result == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd), ~(unsigned)RONDO_WRITABLE, until));
    return descriptors_result("sim_read", result);
}

int64_t rondo_sim_write(rondo_fd fd, const void *data, size_t size,
                        int64_t timeout_ns)
{
    struct sim_socket *s;
    int64_t result = descriptors_get("sim_write", fd, &s);
    if (result)
        return result;
    int64_t until = descriptors_until(timeout_ns);
    do
        result = descriptors_write(sys_fd_of(fd), data, size);
    while (result == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd),
                        RONDO_WRITABLE | RONDO_ERROR | RONDO_HANG_UP, until));
    return descriptors_result("sim_write", result);
}

int rondo_sim_is_blocking(rondo_fd fd)
{
    struct sim_socket *s;
    int error = descriptors_get("sim_is_blocking", fd, &s);
    return error ? error : s->blocking;
}

int rondo_sim_set_blocking(rondo_fd fd, bool blocking)
{
    struct sim_socket *s;
    int error = descriptors_get("sim_set_blocking", fd, &s);
    if (!error)
        s->blocking = blocking;
    return error;
}

int rondo_sim_same(rondo_fd a, rondo_fd b)
{
    struct sim_socket *one, *other;
    int error = descriptors_get("sim_same", a, &one);
    if (!error)
        error = descriptors_get("sim_same", b, &other);
    return error ? error : one == other;
}
#endif
