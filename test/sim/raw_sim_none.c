/* raw_sim_none.c - what the tests ask of a system, and a simulated one lacks. */
/* SPDX-License-Identifier: MIT */
#include "../raw.h"
#include "../raw_datagram.h"
#include "../raw_file.h"
#include "../raw_local.h"
#include "../raw_named.h"
#include "../raw_net.h"
#include "../raw_pipe.h"
#include "../raw_process.h"
#include "../raw_watch.h"

unsigned raw_accept_failed(void)
{
    return 0;
}

bool raw_accept_fails(raw_fd listener, enum raw_accept_failure how,
                      unsigned times)
{
    (void)listener;
    (void)how;
    (void)times;
    return false;
}

bool raw_advance_clock(int64_t seconds)
{
    (void)seconds;
    return false;
}

raw_fd raw_datagram_path(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

bool raw_give_to_a_port(raw_fd fd)
{
    (void)fd;
    return false;
}

bool raw_interface_name(uint32_t index, char *name, size_t size)
{
    (void)index;
    (void)name;
    (void)size;
    return false;
}

raw_fd raw_named_dial(const char *name)
{
    (void)name;
    return RONDO_NO_FD;
}

ptrdiff_t raw_named_recv(raw_fd fd, void *data, size_t size)
{
    (void)fd;
    (void)data;
    (void)size;
    return -1;
}

unsigned raw_names_calls(void)
{
    return 0;
}

size_t raw_names_longest(void)
{
    return 0;
}

unsigned raw_names_most(void)
{
    return 0;
}

bool raw_names_on_caller(void)
{
    return false;
}

void raw_names_release(void)
{
}

bool raw_names_replace(void)
{
    return false;
}

unsigned raw_names_waiting(void)
{
    return 0;
}

int raw_overlapped_pipe(raw_fd pair[2])
{
    (void)pair;
    return -1;
}

void raw_path_drop(const char *path)
{
    (void)path;
}

bool raw_path_forget(const char *path)
{
    (void)path;
    return false;
}

bool raw_path_is_there(const char *path)
{
    (void)path;
    return false;
}

bool raw_path_new(char *path, size_t size)
{
    (void)path;
    (void)size;
    return false;
}

bool raw_path_put_file(const char *path)
{
    (void)path;
    return false;
}

bool raw_sendfile_fails(enum raw_sendfile_failure how, unsigned after,
                        unsigned times)
{
    (void)how;
    (void)after;
    (void)times;
    return false;
}

bool raw_sends_fail(enum raw_send_failure how, unsigned after, unsigned times)
{
    (void)how;
    (void)after;
    (void)times;
    return false;
}

bool raw_step_wall_clock(int64_t seconds)
{
    (void)seconds;
    return false;
}

int raw_terminal(raw_fd pair[2])
{
    (void)pair;
    return -1;
}

bool raw_watches_no_writers(bool on)
{
    (void)on;
    return false;
}

unsigned raw_watches_refused(void)
{
    return 0;
}
