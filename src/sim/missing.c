/* missing.c - what a simulated system does not have: RONDO_ENOTSUP. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include "base/error.h"

#include <errno.h>

static int missing(void)
{
    return sim_fail(EOPNOTSUPP);
}

/* ---- files ---- */

/* The numbers of a real program's, and not open. */
sys_fd sys_stdio(int which)
{
    return which;
}

int sys_splice_pipe(sys_fd fds[2], size_t size)
{
    (void)fds;
    (void)size;
    return missing();
}

int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet)
{
    (void)from;
    (void)to;
    (void)size;
    (void)quiet;
    return missing();
}

int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size)
{
    (void)from;
    (void)to;
    (void)size;
    return missing();
}

/* ---- what datagrams carry besides bytes ---- */

int sys_datagram_ask(sys_fd fd, rondo_family family, unsigned info)
{
    (void)fd;
    (void)family;
    (void)info;
    return missing();
}

int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    (void)fd;
    (void)family;
    (void)fragments;
    return missing();
}

int64_t sys_datagram_path_mtu(sys_fd fd, rondo_family family)
{
    (void)fd;
    (void)family;
    return missing();
}

unsigned sys_datagram_infos(void)
{
    return 0;
}

/* ---- named pipes, terminals ---- */

bool sys_is_pipe_name(const char *path)
{
    (void)path;
    return false;
}

int sys_pipe_check(const char *name)
{
    (void)name;
    return missing();
}

int sys_pipe_connect(const char *name, sys_fd *fd)
{
    (void)name;
    *fd = SYS_NO_FD;
    return missing();
}

int sys_pipe_listen(const char *name, bool first, sys_fd *fd)
{
    (void)name;
    (void)first;
    *fd = SYS_NO_FD;
    return missing();
}

void sys_pipe_discard(sys_fd fd)
{
    sys_close(fd);
}

void sys_pipe_cut(sys_fd fd)
{
    (void)fd;
    (void)missing();
}

int sys_child_terminal(unsigned columns, unsigned rows,
                       struct sys_terminal *made)
{
    (void)columns;
    (void)rows;
    (void)made;
    return missing();
}

int sys_terminal_size(sys_fd ours, void *console, unsigned columns,
                      unsigned rows)
{
    (void)ours;
    (void)console;
    (void)columns;
    (void)rows;
    return missing();
}

void sys_console_close(void *console)
{
    (void)console;
    (void)missing();
}

bool sys_is_terminal(sys_fd fd)
{
    (void)fd;
    return false;
}

int sys_terminal_mode(sys_fd fd, rondo_terminal_mode mode, bool guard)
{
    (void)fd;
    (void)mode;
    (void)guard;
    return missing();
}

void sys_terminal_restore(void)
{
    (void)missing();
}

int sys_terminal_measure(sys_fd fd, unsigned *columns, unsigned *rows)
{
    (void)fd;
    (void)columns;
    (void)rows;
    return missing();
}

int sys_terminal_sequences(sys_fd fd)
{
    (void)fd;
    return -1;
}

int sys_terminal_signal(void)
{
    return 0;
}

/* ---- the network's changes ---- */

int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    (void)changed;
    (void)arg;
    (void)fd;
    (void)network;
    return missing();
}

bool sys_network_read(sys_fd fd)
{
    (void)fd;
    return false;
}

void sys_network_close(sys_fd fd, struct sys_network *network)
{
    (void)fd;
    (void)network;
}

/* ---- processors ---- */

int sys_thread_pin(unsigned index)
{
    (void)index;
    return missing();
}
#endif
