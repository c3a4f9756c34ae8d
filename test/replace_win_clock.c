/* replace_win_clock.c - clocks that step, for this process alone. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <stdatomic.h>

static atomic_llong step;  /* of the wall clock, in seconds */
static atomic_llong ahead; /* of the performance counter, in seconds */

bool raw_step_wall_clock(int64_t seconds)
{
    atomic_store(&step, seconds);
    return true;
}

bool raw_advance_clock(int64_t seconds)
{
    atomic_fetch_add(&ahead, seconds);
    return true;
}

/* ---- in the place of the real ones -------------------------------------- */

/* The C runtime asks before main, too. */

typedef BOOL(WINAPI *counter_fn)(LARGE_INTEGER *);
typedef void(WINAPI *time_fn)(FILETIME *);

static BOOL WINAPI counter(LARGE_INTEGER *now)
{
    static counter_fn next;
    LARGE_INTEGER frequency;

    if (!next)
        next = (counter_fn)win_real(L"kernel32.dll", "QueryPerformanceCounter");
    if (!next(now) || !QueryPerformanceFrequency(&frequency))
        return FALSE;
    now->QuadPart += atomic_load(&ahead) * frequency.QuadPart;
    return TRUE;
}

static void WINAPI wall_clock(FILETIME *now)
{
    static time_fn next;
    ULARGE_INTEGER t;

    if (!next)
        next = (time_fn)win_real(L"kernel32.dll", "GetSystemTimeAsFileTime");
    next(now);
    t.LowPart = now->dwLowDateTime;
    t.HighPart = now->dwHighDateTime;
    t.QuadPart += (ULONGLONG)(atomic_load(&step) * 10000000);
    now->dwLowDateTime = t.LowPart;
    now->dwHighDateTime = t.HighPart;
}

extern const counter_fn replaced_counter __asm__(
    WIN_IMPORT(QueryPerformanceCounter, 4));
extern const time_fn replaced_time __asm__(WIN_IMPORT(GetSystemTimeAsFileTime,
                                                      4));
const counter_fn replaced_counter = counter;
const time_fn replaced_time = wall_clock;
