/* terminal_mode.c - the modes of the program's console: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <stdlib.h>

#ifndef ENABLE_VIRTUAL_TERMINAL_INPUT
#define ENABLE_VIRTUAL_TERMINAL_INPUT 0x0200
#endif
#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 0x0004
#endif

enum { CONSOLES = 8 };

/* A handle of a console whose mode has been changed. */
struct console {
    HANDLE handle; /* NULL: the place is free */
    DWORD before;
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct console consoles[CONSOLES];
static bool at_exit;

bool sys_is_terminal(sys_fd fd)
{
    DWORD mode;
    return fd != SYS_NO_FD && GetConsoleMode((HANDLE)fd, &mode);
}

static int win_console_fail(void)
{
    return error_from_os(GetLastError());
}

/* What is seen of it, and not all its lines. */
int sys_terminal_measure(sys_fd fd, unsigned *columns, unsigned *rows)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    HANDLE screen = INVALID_HANDLE_VALUE;
    BOOL done = GetConsoleScreenBufferInfo((HANDLE)fd, &info);
    if (!done) { /* an input handle */
        screen = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, 0, NULL);
        done = screen != INVALID_HANDLE_VALUE &&
               GetConsoleScreenBufferInfo(screen, &info);
    }
    int error = done ? 0 : win_console_fail();
    if (screen != INVALID_HANDLE_VALUE)
        CloseHandle(screen);
    if (error)
        return error;
    *columns = (unsigned)(info.srWindow.Right - info.srWindow.Left + 1);
    *rows = (unsigned)(info.srWindow.Bottom - info.srWindow.Top + 1);
    return 0;
}

/* WINDOW_BUFFER_SIZE_EVENT is among the records of the input, which ReadFile
 * drops, and does not come when only the window changes. */
int sys_terminal_signal(void)
{
    return 0;
}

/* The place of a handle; NULL: it has none. For NULL a free one, or that of a
 * handle which has been closed. The caller holds the lock. */
static struct console *win_console_find(HANDLE handle)
{
    DWORD mode;
    for (int i = 0; i < CONSOLES; i++)
        if (consoles[i].handle == handle)
            return &consoles[i];
    for (int i = 0; i < CONSOLES && !handle; i++)
        if (!GetConsoleMode(consoles[i].handle, &mode))
            return &consoles[i];
    return NULL;
}

/* NULL: there is no room for one more. */
static struct console *win_console_enter(HANDLE handle)
{
    struct console *found = win_console_find(handle);
    if (found)
        return found;
    struct console *free_one = win_console_find(NULL);
    if (!free_one || !GetConsoleMode(handle, &free_one->before))
        return NULL;
    free_one->handle = handle;
    if (!at_exit)
        at_exit = atexit(sys_terminal_restore) == 0;
    return free_one;
}

/* Windows 10 1511 has the sequences; before it they are printed. */
int sys_terminal_sequences(sys_fd fd)
{
    AcquireSRWLockExclusive(&lock);
    const struct console *c = win_console_enter((HANDLE)fd);
    DWORD mode = 0;
    BOOL done =
        c && GetConsoleMode((HANDLE)fd, &mode) &&
        SetConsoleMode((HANDLE)fd, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING |
                                       ENABLE_PROCESSED_OUTPUT);
    ReleaseSRWLockExclusive(&lock);
    return done;
}

/* Without a lock: at exit another thread may have it for ever. */
void sys_terminal_restore(void)
{
    for (int i = 0; i < CONSOLES; i++)
        if (consoles[i].handle)
            (void)SetConsoleMode(consoles[i].handle, consoles[i].before);
}

static int win_console_mode(HANDLE handle, rondo_terminal_mode mode)
{
    const DWORD cooked =
        ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
    if (mode == RONDO_TERMINAL_NORMAL && !win_console_find(handle))
        return 0;
    struct console *c = win_console_enter(handle);
    error_no_os();
    if (!c)
        return RONDO_EMFILE;
    DWORD wanted = c->before;
    if (mode == RONDO_TERMINAL_RAW)
        wanted = (wanted & ~cooked) | ENABLE_WINDOW_INPUT;
    else if (mode == RONDO_TERMINAL_NO_ECHO)
        wanted = (wanted & ~(DWORD)ENABLE_ECHO_INPUT) | ENABLE_LINE_INPUT;
    else
        c->handle = NULL;
    if (mode == RONDO_TERMINAL_RAW && /* keys as sequences */
        SetConsoleMode(handle, wanted | ENABLE_VIRTUAL_TERMINAL_INPUT))
        return 0;
    return SetConsoleMode(handle, wanted) ? 0 : win_console_fail();
}

/* Windows ends and stops no process by a signal that could be caught here. */
int sys_terminal_mode(sys_fd fd, rondo_terminal_mode mode, bool guard)
{
    (void)guard;
    AcquireSRWLockExclusive(&lock);
    int error = win_console_mode((HANDLE)fd, mode);
    ReleaseSRWLockExclusive(&lock);
    return error;
}
#endif
