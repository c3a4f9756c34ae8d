/* sys.c - clock, threads and facts of the process: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#define _CRT_SECURE_NO_WARNINGS /* getenv */
#include "base/error.h"
#include "win/win.h"

#include <process.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- clock ---- */

static int64_t win_sys_ticks_per_second(void)
{
    /* it never changes: all threads write the same number */
    static _Atomic int64_t known;
    int64_t frequency = atomic_load_explicit(&known, memory_order_relaxed);
    if (frequency)
        return frequency;
    LARGE_INTEGER asked;
    QueryPerformanceFrequency(&asked);
    atomic_store_explicit(&known, asked.QuadPart, memory_order_relaxed);
    return asked.QuadPart;
}

int64_t sys_clock(void)
{
    LARGE_INTEGER now;
    int64_t frequency = win_sys_ticks_per_second();
    QueryPerformanceCounter(&now);
    /* whole seconds apart from the rest, so that no product overflows */
    return now.QuadPart / frequency * 1000000000 +
           now.QuadPart % frequency * 1000000000 / frequency;
}

void sys_sleep(int64_t ns)
{
    Sleep((DWORD)((ns + 999999) / 1000000));
}

void sys_clock_facts(const char **name, int64_t *resolution_ns)
{
    int64_t frequency = win_sys_ticks_per_second();
    *name = "QueryPerformanceCounter()";
    *resolution_ns = (1000000000 + frequency - 1) / frequency;
}

/* A day at most: far from INFINITE, and one wait more a day costs nothing. */
enum { LONGEST_WAIT_S = 86400 };

DWORD win_timeout_ms(int64_t timeout_ns)
{
    if (timeout_ns == RONDO_NEVER)
        return INFINITE;
    if (timeout_ns > RONDO_SEC(LONGEST_WAIT_S))
        return LONGEST_WAIT_S * 1000;
    return (DWORD)((timeout_ns + 999999) / 1000000);
}

int64_t win_wait_resolution(void)
{
    DWORD adjustment, increment;
    BOOL disabled;
    if (!GetSystemTimeAdjustment(&adjustment, &increment, &disabled) ||
        !increment)
        increment = 156250; /* 15.6 ms, the tick of nearly all systems */
    return (int64_t)increment * 100;
}

/* ---- text ---- */

int win_wide(const char *text, wchar_t *wide, size_t room)
{
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide,
                            (int)room) > 0)
        return 0;
    DWORD why = GetLastError();
    error_no_os();
    return why == ERROR_INSUFFICIENT_BUFFER ? RONDO_ENAMETOOLONG : RONDO_EINVAL;
}

/* ---- threads ---- */

_Static_assert(sizeof(sys_mutex) == sizeof(SRWLOCK) &&
                   _Alignof(sys_mutex) == _Alignof(SRWLOCK),
               "a sys_mutex is an SRWLOCK");
_Static_assert(sizeof(sys_cond) == sizeof(CONDITION_VARIABLE) &&
                   _Alignof(sys_cond) == _Alignof(CONDITION_VARIABLE),
               "a sys_cond is a CONDITION_VARIABLE");
_Static_assert(sizeof(sys_thread_id) == sizeof(DWORD),
               "a sys_thread_id is a DWORD");

sys_thread_id sys_thread_self(void)
{
    return GetCurrentThreadId();
}

bool sys_thread_is_self(sys_thread_id id)
{
    return id == GetCurrentThreadId();
}

struct start {
    void (*run)(void *arg);
    void *arg;
};

static unsigned __stdcall win_sys_thread_main(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    start.run(start.arg);
    return 0;
}

int sys_thread_start(void (*run)(void *arg), void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return RONDO_ENOMEM;
    *start = (struct start){run, arg};
    uintptr_t thread =
        _beginthreadex(NULL, 0, win_sys_thread_main, start, 0, NULL);
    if (!thread) {
        unsigned long os_error = _doserrno;
        free(start);
        return error_from_os(os_error ? os_error : ERROR_NOT_ENOUGH_MEMORY);
    }
    CloseHandle((HANDLE)thread);
    return 0;
}

void sys_thread_yield(void)
{
    SwitchToThread();
}

int sys_mutex_init(sys_mutex *m)
{
    InitializeSRWLock((SRWLOCK *)m);
    return 0;
}

void sys_mutex_destroy(sys_mutex *m)
{
    (void)m;
}

void sys_mutex_lock(sys_mutex *m)
{
    AcquireSRWLockExclusive((SRWLOCK *)m);
}

void sys_mutex_unlock(sys_mutex *m)
{
    ReleaseSRWLockExclusive((SRWLOCK *)m);
}

int sys_cond_init(sys_cond *c)
{
    InitializeConditionVariable((CONDITION_VARIABLE *)c);
    return 0;
}

void sys_cond_destroy(sys_cond *c)
{
    (void)c;
}

void sys_cond_wait(sys_cond *c, sys_mutex *m)
{
    SleepConditionVariableSRW((CONDITION_VARIABLE *)c, (SRWLOCK *)m, INFINITE,
                              0);
}

void sys_cond_signal(sys_cond *c)
{
    WakeConditionVariable((CONDITION_VARIABLE *)c);
}

void sys_cond_broadcast(sys_cond *c)
{
    WakeAllConditionVariable((CONDITION_VARIABLE *)c);
}

/* ---- process ---- */

_Atomic uint32_t sys_fork_generation; /* Windows has no fork: always 0 */

void sys_fork_watch(void)
{
}

void sys_fork_lock_enter(struct sys_fork_lock *lock)
{
    (void)lock;
}

void sys_fork_lock_leave(struct sys_fork_lock *lock)
{
    (void)lock;
}

const char *sys_env(const char *name)
{
    return getenv(name);
}

bool sys_env_has(const char *beginning)
{
    (void)beginning;
    return true;
}

/* Without debug information Windows knows no names. */
void sys_function_name(rondo_fn fn, char *text, size_t size)
{
    HMODULE module;
    WCHAR path[MAX_PATH];
    char file[128];
    const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                        GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    DWORD length = 0;
    if (GetModuleHandleExW(flags, (LPCWSTR)(uintptr_t)fn, &module))
        length = GetModuleFileNameW(module, path, MAX_PATH);
    const WCHAR *name = path + length;
    while (name > path && name[-1] != L'\\')
        name--;
    if (length && length < MAX_PATH &&
        WideCharToMultiByte(CP_UTF8, 0, name, -1, file, sizeof file, NULL,
                            NULL))
        snprintf(text, size, "%s+0x%llx", file,
                 (unsigned long long)((uintptr_t)fn - (uintptr_t)module));
    else
        snprintf(text, size, "at 0x%llx", (unsigned long long)(uintptr_t)fn);
}

unsigned sys_cores(void)
{
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count ? count : 1;
}

int64_t sys_descriptor_limit(void)
{
    return INT64_MAX; /* memory limits the number of handles */
}

int64_t sys_unix_path_limit(void)
{
    return 0;
}

bool sys_supports(rondo_capability what)
{
    if (what == RONDO_CAN_PACKET_INFO)
        return sys_datagram_infos() & RONDO_INFO_LOCAL;
    if (what == RONDO_CAN_TTL)
        return sys_datagram_infos() & RONDO_INFO_TTL;
    if (what == RONDO_CAN_ECN)
        return sys_datagram_infos() & RONDO_INFO_ECN;
    if (what == RONDO_CAN_SEGMENTATION)
        return sys_datagram_infos() & RONDO_INFO_SEGMENTS;
    if (what == RONDO_CAN_TERMINALS)
        return win_terminal_is_there();
    if (what == RONDO_CAN_WATCH_NETWORK)
        return win_network_tells();
    return what == RONDO_CAN_DONT_FRAGMENT || what == RONDO_CAN_TCP ||
           what == RONDO_CAN_UDP || what == RONDO_CAN_PIPES ||
           what == RONDO_CAN_NAMED_PIPES || what == RONDO_CAN_SUBPROCESS ||
           what == RONDO_CAN_WATCH_SOCKETS || what == RONDO_CAN_EMBED ||
           what == RONDO_CAN_SIGNALS || what == RONDO_CAN_WATCH_PRIORITY ||
           what == RONDO_CAN_WATCH_HALF_CLOSE ||
           what == RONDO_CAN_WATCH_ERRORS || what == RONDO_CAN_JOB_OBJECTS ||
           what == RONDO_CAN_DIE_WITH_PARENT || what == RONDO_CAN_DETACH ||
           what == RONDO_CAN_PIN_THREADS || what == RONDO_CAN_LOCK_RANGES ||
           what == RONDO_CAN_WATCH_PATHS || what == RONDO_CAN_EMBED_FD;
}
#endif
