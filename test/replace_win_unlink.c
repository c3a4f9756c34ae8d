/* replace_win_unlink.c - nothing happens before a file is removed. */
/* SPDX-License-Identifier: MIT */
#include "raw_unlink.h"

bool raw_before_unlink(const char *path, void (*fn)(void *arg), void *arg)
{
    (void)path;
    (void)fn;
    (void)arg;
    return false;
}

bool raw_unlink_was_met(void)
{
    return false;
}
