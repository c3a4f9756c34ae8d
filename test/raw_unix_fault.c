/* raw_unix_fault.c - raw_fault.h where no call can be made to fail: Unix. */
/* SPDX-License-Identifier: MIT */
#include "raw_fault.h"

bool raw_fault(enum raw_fault which, unsigned times)
{
    (void)which;
    (void)times;
    return false;
}

unsigned raw_faults(void)
{
    return 0;
}
