/* local.c - unix sockets, which the library does not have on Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

static int win_local_refuse(void)
{
    error_no_os();
    return RONDO_ENOTSUP;
}

int sys_path_address(rondo_address *a, const char *path)
{
    (void)a;
    (void)path;
    return win_local_refuse();
}

int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file)
{
    (void)fd;
    (void)a;
    (void)mode;
    (void)file;
    return win_local_refuse();
}

void sys_path_remove(const rondo_address *a, const struct sys_file *file)
{
    (void)a;
    (void)file;
}

int sys_peer_credentials(sys_fd fd, int64_t *pid, int64_t *uid, int64_t *gid)
{
    (void)fd;
    *pid = *uid = *gid = -1;
    return win_local_refuse();
}

int64_t sys_recv_fds(sys_fd fd, void *data, size_t size, sys_fd *fds,
                     size_t *count)
{
    (void)fds;
    *count = 0;
    return sys_recv(fd, data, size);
}

int64_t sys_send_fds(sys_fd fd, const rondo_buffer *buffers, size_t count,
                     const sys_fd *fds, size_t fds_count)
{
    (void)fd;
    (void)buffers;
    (void)count;
    (void)fds;
    (void)fds_count;
    return win_local_refuse();
}

int sys_duplicate(sys_fd fd, sys_fd *copy)
{
    (void)fd;
    *copy = SYS_NO_FD;
    return win_local_refuse();
}
#endif
