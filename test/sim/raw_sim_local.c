/* raw_sim_local.c - raw.h's unix sockets on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw_local.h"
#include "../raw_net.h"

#include "rondo_sim.h"

#include <string.h>

static int64_t ns_of(int timeout_ms)
{
    return timeout_ms < 0 ? RONDO_NEVER : RONDO_MS(timeout_ms);
}

static raw_fd blocking(rondo_fd fd)
{
    if (fd < 0)
        return RONDO_NO_FD;
    (void)rondo_sim_set_blocking(fd, true);
    return fd;
}

/* ---- by path ---- */

static raw_fd bound(const char *path, bool datagram)
{
    rondo_address a;
    if (rondo_address_unix(&a, path, strlen(path)) != 0)
        return RONDO_NO_FD;
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_UNIX, datagram);
    if (fd >= 0 && rondo_sim_bind(fd, &a) < 0) {
        (void)rondo_sim_close(fd, false);
        return RONDO_NO_FD;
    }
    return blocking(fd);
}

raw_fd raw_local_bind(const char *path)
{
    return bound(path, false);
}

raw_fd raw_local_datagram(const char *path)
{
    return bound(path, true);
}

raw_fd raw_local_listen(const char *path, int backlog)
{
    raw_fd fd = bound(path, false);
    if (fd != RONDO_NO_FD)
        (void)rondo_sim_listen(fd, backlog);
    return fd;
}

raw_fd raw_local_connect(const char *path)
{
    rondo_address a;
    if (rondo_address_unix(&a, path, strlen(path)) != 0)
        return RONDO_NO_FD;
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_UNIX, false);
    if (fd >= 0 && rondo_sim_connect(fd, &a, RONDO_SEC(1)) < 0) {
        (void)rondo_sim_close(fd, false);
        return RONDO_NO_FD;
    }
    return blocking(fd);
}

size_t raw_local_fill(const char *path, raw_fd *clients, size_t room)
{
    size_t used = 0;
    while (used < room &&
           (clients[used] = raw_local_connect(path)) != RONDO_NO_FD)
        used++;
    return used < room ? used : 0;
}

/* ---- descriptors ---- */

ptrdiff_t raw_send_fds(raw_fd fd, const void *data, size_t size,
                       const raw_fd *fds, size_t count)
{
    int64_t sent = rondo_sim_send_fds(fd, data, size, fds, count);
    (void)rondo_sim_sleep(1);
    return sent == RONDO_EAGAIN ? RAW_AGAIN
           : sent < 0           ? RAW_FAILED
                                : (ptrdiff_t)sent;
}

ptrdiff_t raw_recv_fds(raw_fd fd, void *data, size_t size, raw_fd *fds,
                       size_t *count, int timeout_ms)
{
    (void)rondo_sim_sleep(1);
    int64_t got =
        rondo_sim_recv_fds(fd, data, size, fds, count, ns_of(timeout_ms));
    return got == RONDO_EAGAIN ? RAW_AGAIN
           : got < 0           ? RAW_FAILED
                               : (ptrdiff_t)got;
}

bool raw_pass_pidfds(raw_fd fd)
{
    (void)fd;
    return false;
}

/* ---- the process ---- */

int64_t raw_pid(void)
{
    return rondo_sim_self() + 1;
}

int64_t raw_uid(void)
{
    return 1000;
}

int64_t raw_gid(void)
{
    return 1000;
}
