/* replace_win_thread.c - threads that the system does not start: cannot be. */
/* SPDX-License-Identifier: MIT */
#include "raw_refuse.h"

bool raw_threads_fail(unsigned after)
{
    (void)after;
    return false;
}

void raw_threads_start(void)
{
}
