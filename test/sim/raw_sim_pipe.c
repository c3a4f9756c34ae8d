/* raw_sim_pipe.c - raw.h's pipes on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw_pipe.h"

#include "rondo_sim.h"

/* ---- ends ---- */

int raw_pipe(raw_fd pair[2])
{
    return rondo_sim_pipe(pair) == 0 ? 0 : -1;
}

int raw_local_pair(raw_fd pair[2])
{
    if (rondo_sim_pair(pair) != 0)
        return -1;
    (void)rondo_sim_set_blocking(pair[0], true);
    (void)rondo_sim_set_blocking(pair[1], true);
    return 0;
}

bool raw_is_blocking(raw_fd fd)
{
    return rondo_sim_is_blocking(fd) == 1;
}

void raw_set_nonblocking(raw_fd fd)
{
    (void)rondo_sim_set_blocking(fd, false);
}

bool raw_same_file(raw_fd a, raw_fd b)
{
    return rondo_sim_same(a, b) == 1;
}

/* ---- bytes ---- */

static int64_t timeout_of(raw_fd fd)
{
    return rondo_sim_is_blocking(fd) == 1 ? RONDO_NEVER : 0;
}

ptrdiff_t raw_read(raw_fd fd, void *data, size_t size)
{
    (void)rondo_sim_sleep(1); /* what was sent has arrived then */
    int64_t count = rondo_sim_read(fd, data, size, timeout_of(fd));
    return count < 0 ? -1 : (ptrdiff_t)count;
}

ptrdiff_t raw_write(raw_fd fd, const void *data, size_t size)
{
    int64_t count = rondo_sim_write(fd, data, size, timeout_of(fd));
    (void)rondo_sim_sleep(1);
    return count < 0 ? -1 : (ptrdiff_t)count;
}

/* ---- what there is not ---- */

unsigned raw_take_from_pipes(size_t size)
{
    (void)size;
    return 0;
}

int raw_line_terminal(raw_fd pair[2])
{
    (void)pair;
    return -1;
}

raw_fd raw_sealed_file(void)
{
    return RONDO_NO_FD;
}

raw_fd raw_device(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

raw_fd raw_replace_stdin(raw_fd fd)
{
    (void)fd;
    return RONDO_NO_FD;
}

void raw_restore_stdin(raw_fd before)
{
    (void)before;
}

bool raw_pipe_can_be_waited_for(void)
{
    return true;
}

bool raw_sigpipe_hold(void)
{
    return false;
}

bool raw_sigpipe_release(void)
{
    return false;
}

bool raw_make_writes_signal(void)
{
    return false;
}
