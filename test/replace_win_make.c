/* replace_win_make.c - what a child gets of a handle is said when it starts. */
/* SPDX-License-Identifier: MIT */
#include "raw_make.h"

int raw_made_inheritable(void)
{
    return -1;
}
