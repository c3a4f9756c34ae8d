/* local.c - unix sockets, which the library does not use on Windows. */
/* SPDX-License-Identifier: MIT */
#include "error.h"
#include "win.h"

static int refuse(void)
{
    error_no_os();
    return RONDO_ENOTSUP;
}

int sys_path_address(rondo_address *a, const char *path)
{
    (void)a;
    (void)path;
    return refuse();
}

int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file)
{
    (void)fd;
    (void)a;
    (void)mode;
    (void)file;
    return refuse();
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
    return refuse();
}
