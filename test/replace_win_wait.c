/* replace_win_wait.c - waits of the kernel that fail: none here. */
/* SPDX-License-Identifier: MIT */
#include "raw_wait.h"

bool raw_wait_fails(unsigned times, enum raw_wait_error error)
{
    (void)times;
    (void)error;
    return false;
}

unsigned raw_waits_failed(void)
{
    return 0;
}
