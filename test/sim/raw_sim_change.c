/* raw_sim_change.c - files of a simulated host, changed without the library. */
/* SPDX-License-Identifier: MIT */
#include "../raw_change.h"

#include "rondo_sim.h"

#include <string.h>

bool raw_change_write(const char *path, const char *how, const char *text)
{
    unsigned flags = RONDO_FILE_WRITE | RONDO_FILE_CREATE;
    size_t size = strlen(text);
    flags |= *how == 'a' ? RONDO_FILE_APPEND : RONDO_FILE_TRUNCATE;
    rondo_fd fd = rondo_sim_open(path, flags);
    if (fd < 0)
        return false;
    bool written = !size || rondo_sim_write(fd, text, size, 0) == (int64_t)size;
    return rondo_sim_close(fd, false) == 0 && written;
}

bool raw_change_rename(const char *from, const char *to)
{
    (void)rondo_sim_sleep(RONDO_US(100)); /* a thread may call it for ever */
    return rondo_sim_rename(from, to) == 0;
}

bool raw_change_unlink(const char *path)
{
    return rondo_sim_remove(path) == 0;
}

bool raw_change_mkdir(const char *path)
{
    return rondo_sim_make_directory(path) == 0;
}

bool raw_change_rmdir(const char *path)
{
    return rondo_sim_remove(path) == 0;
}

void raw_change_clear(const char *path)
{
    (void)rondo_sim_remove(path);
}

bool raw_change_symlink(const char *target, const char *path)
{
    return rondo_sim_make_link(target, path) == 0;
}

bool raw_change_link(const char *old, const char *path)
{
    return rondo_sim_make_hard_link(old, path) == 0;
}

bool raw_change_read_only(const char *path)
{
    return rondo_sim_set_mode(path, 0444) == 0;
}

/* ---- what a simulated host lacks ---- */

bool raw_notify_follows_directories(void)
{
    return true;
}

bool raw_notify_is_prompt(void)
{
    return true;
}

bool raw_notify_refuse(unsigned times)
{
    (void)times;
    return false;
}

bool raw_notify_hold(bool on)
{
    (void)on;
    return false;
}

unsigned raw_notify_held(void)
{
    return 0;
}
