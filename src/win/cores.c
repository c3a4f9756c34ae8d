/* cores.c - how many processors a process may keep busy, and pinning: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "sys.h"

#include "base/error.h"
#include "win/win.h"

/* Of the processor group of the process, which has up to 64. 0: it is in
 * several groups. */
static DWORD_PTR cores_allowed(void)
{
    DWORD_PTR process = 0, machine = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &machine))
        return 0;
    return process;
}

static unsigned cores_count(DWORD_PTR mask)
{
    unsigned count = 0;
    for (; mask; mask &= mask - 1)
        count++;
    return count;
}

unsigned sys_cores_usable(void)
{
    unsigned allowed = cores_count(cores_allowed()), cores = sys_cores();
    return allowed && allowed < cores ? allowed : cores;
}

int sys_thread_pin(unsigned index)
{
    DWORD_PTR mask = cores_allowed();
    if (!mask) {
        error_no_os();
        return RONDO_ENOTSUP;
    }
    for (unsigned left = index % cores_count(mask); left; left--)
        mask &= mask - 1;
    mask &= ~mask + 1; /* its lowest bit */
    if (!SetThreadAffinityMask(GetCurrentThread(), mask))
        return error_from_os((int64_t)GetLastError());
    return 0;
}
#endif
