/* raw_win_local.c - the unix sockets of raw_local.h: Windows has them not. */
/* SPDX-License-Identifier: MIT */
#include "raw_local.h"
#include "raw_win.h"

#include <stdio.h>
#include <string.h>

raw_fd raw_local_listen(const char *path, int backlog)
{
    (void)path;
    (void)backlog;
    return RONDO_NO_FD;
}

raw_fd raw_local_bind(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

raw_fd raw_local_datagram(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

raw_fd raw_local_connect(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

int raw_local_pair(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

size_t raw_local_fill(const char *path, raw_fd *clients, size_t room)
{
    (void)path;
    (void)clients;
    (void)room;
    return 0;
}

ptrdiff_t raw_send_fds(raw_fd fd, const void *data, size_t size,
                       const raw_fd *fds, size_t count)
{
    (void)fds;
    return count ? RAW_FAILED : raw_send(fd, data, size);
}

ptrdiff_t raw_recv_fds(raw_fd fd, void *data, size_t size, raw_fd *fds,
                       size_t *count, int timeout_ms)
{
    (void)fds;
    *count = 0;
    return raw_recv(fd, data, size, timeout_ms);
}

bool raw_same_file(raw_fd a, raw_fd b)
{
    return a == b;
}

bool raw_folder(char *path)
{
    (void)path;
    return false;
}

void raw_folder_remove(const char *path)
{
    (void)path;
}

bool raw_path_exists(const char *path)
{
    (void)path;
    return false;
}

int raw_path_mode(const char *path)
{
    (void)path;
    return -1;
}

bool raw_path_make(const char *path, const char *what)
{
    (void)path;
    (void)what;
    return false;
}

bool raw_path_remove(const char *path)
{
    return remove(path) == 0;
}

bool raw_path_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return false;
}

bool raw_path_chdir(const char *path)
{
    (void)path;
    return false;
}

bool raw_pass_pidfds(raw_fd fd)
{
    (void)fd;
    return false;
}

int raw_umask(int mask)
{
    (void)mask;
    return -1;
}

int64_t raw_pid(void)
{
    return (int64_t)GetCurrentProcessId();
}

int64_t raw_uid(void)
{
    return -1;
}

int64_t raw_gid(void)
{
    return -1;
}
