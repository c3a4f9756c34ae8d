/* console.c - signals, which a console sends to its processes: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <stdatomic.h>

/* The C runtime's numbers. It has none for a console that is closed. */
enum { INTERRUPT = 2, HANG_UP = RONDO_SIGHUP, BREAK = 21 };

static SRWLOCK lock = SRWLOCK_INIT;
static _Atomic(const struct sys_signals_told *) told;
static atomic_bool watched[SYS_SIGNALS];

static int win_console_number_of(DWORD event)
{
    return event == CTRL_C_EVENT       ? INTERRUPT
           : event == CTRL_BREAK_EVENT ? BREAK
           : event == CTRL_CLOSE_EVENT ? HANG_UP
                                       : 0;
}

/* Windows starts a thread for each event and calls this on it. FALSE: Windows
 * calls the handler that was registered before this one. */
static BOOL WINAPI win_console_event_came(DWORD event)
{
    int signum = win_console_number_of(event);
    if (!atomic_load(&watched[signum]))
        return FALSE;
    atomic_load(&told)->arrived(signum);
    /* Windows ends the process when this returns, and after five seconds in
     * any case: until then the loop may finish. */
    if (event == CTRL_CLOSE_EVENT)
        Sleep(INFINITE);
    return TRUE;
}

void sys_signals_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void sys_signals_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

/* The handler stays registered for ever. While a handler runs, who adds or
 * removes one waits for it, and one of a closed console runs until the process
 * ends. */
static int win_console_begin(const struct sys_signals_told *whom)
{
    HMODULE self;
    if (atomic_load(&told))
        return 0;
    /* so the code must never be unloaded */
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN |
                                 GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                             (LPCWSTR)(void *)&told, &self);
    atomic_store(&told, whom);
    if (SetConsoleCtrlHandler(win_console_event_came, TRUE))
        return 0;
    atomic_store(&told, NULL);
    return error_os(error_from_os(GetLastError()), "SetConsoleCtrlHandler");
}

int sys_signal_watch(int signum, const struct sys_signals_told *whom)
{
    if (signum != INTERRUPT && signum != BREAK && signum != HANG_UP)
        return error_set(RONDO_ENOTSUP,
                         "signal %d: Windows has only Ctrl-C (SIGINT, %d), "
                         "Ctrl-Break (SIGBREAK, %d) and the closing of the "
                         "console (RONDO_SIGHUP, %d)",
                         signum, INTERRUPT, BREAK, HANG_UP);
    int error = win_console_begin(whom);
    if (!error)
        atomic_store(&watched[signum], true);
    return error;
}

void sys_signal_unwatch(int signum)
{
    atomic_store(&watched[signum], false);
}
#endif
