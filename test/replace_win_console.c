/* replace_win_console.c - raw_terminal.h for Windows: consoles of a test's own. */
/* SPDX-License-Identifier: MIT */
#include "raw_terminal.h"
#include "raw_win.h"

#include <string.h>

enum { CONSOLES = 64 };

/* Two events stand for its ends. */
struct console {
    HANDLE end[2];
    DWORD mode;
    unsigned columns, rows;
};
static struct console consoles[CONSOLES];
static unsigned made;

static bool is_open(HANDLE handle)
{
    DWORD flags;

    return GetHandleInformation(handle, &flags);
}

/* The latest of that number. */
static struct console *find(HANDLE handle, int end)
{
    for (unsigned i = made; i > 0; i--) {
        struct console *c = &consoles[(i - 1) % CONSOLES];

        if (c->end[end] == handle)
            return is_open(c->end[0]) && is_open(c->end[1]) ? c : NULL;
        if (made - i == CONSOLES - 1)
            break;
    }
    return NULL;
}

int raw_program_terminal(raw_fd pair[2])
{
    struct console *c = &consoles[made++ % CONSOLES];

    for (int i = 0; i < 2; i++) {
        c->end[i] = CreateEventW(NULL, TRUE, FALSE, NULL);
        pair[i] = (raw_fd)c->end[i];
    }
    c->mode = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_MOUSE_INPUT;
    c->columns = 80;
    c->rows = 25;
    return c->end[0] && c->end[1] ? 0 : -1;
}

int raw_terminal_state(raw_fd fd)
{
    const struct console *c = find(win_handle_of(fd), 1);

    if (!c)
        return -1;
    return (c->mode & ENABLE_ECHO_INPUT ? RAW_ECHOES : 0) |
           (c->mode & ENABLE_LINE_INPUT ? RAW_LINES : 0) |
           (c->mode & ENABLE_PROCESSED_INPUT ? RAW_CTRL_C : 0);
}

void raw_terminal_resize(raw_fd fd, unsigned columns, unsigned rows)
{
    struct console *c = find(win_handle_of(fd), 0);

    if (c) {
        c->columns = columns;
        c->rows = rows;
    }
}

bool raw_terminal_has_name(void)
{
    return false;
}

void raw_terminal_tell(void)
{
}

void raw_terminal_exit(void)
{
}

void raw_terminal_crash(void)
{
}

void raw_terminal_suspend(void)
{
}

int raw_terminal_stop(int (*fn)(void *arg), void *arg, raw_fd terminal,
                      int *stopped_state)
{
    (void)fn;
    (void)arg;
    (void)terminal;
    (void)stopped_state;
    return -2;
}

/* ---- the calls ---------------------------------------------------------- */

typedef BOOL(WINAPI *get_fn)(HANDLE, DWORD *);
typedef BOOL(WINAPI *set_fn)(HANDLE, DWORD);
typedef BOOL(WINAPI *info_fn)(HANDLE, CONSOLE_SCREEN_BUFFER_INFO *);

static BOOL WINAPI get_mode(HANDLE handle, DWORD *mode)
{
    const struct console *c = find(handle, 1);

    if (!c)
        return ((get_fn)win_real(L"kernel32.dll", "GetConsoleMode"))(handle,
                                                                     mode);
    *mode = c->mode;
    return TRUE;
}

/* As Windows: echo needs lines. */
static BOOL WINAPI set_mode(HANDLE handle, DWORD mode)
{
    struct console *c = find(handle, 1);

    if (!c)
        return ((set_fn)win_real(L"kernel32.dll", "SetConsoleMode"))(handle,
                                                                     mode);
    if (mode & ENABLE_ECHO_INPUT && !(mode & ENABLE_LINE_INPUT)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    c->mode = mode;
    return TRUE;
}

static BOOL WINAPI get_info(HANDLE handle, CONSOLE_SCREEN_BUFFER_INFO *info)
{
    const struct console *c = find(handle, 1);

    if (!c)
        return ((info_fn)win_real(L"kernel32.dll",
                                  "GetConsoleScreenBufferInfo"))(handle, info);
    memset(info, 0, sizeof *info);
    info->dwSize = (COORD){(SHORT)c->columns, 9000}; /* all its lines */
    info->srWindow = (SMALL_RECT){.Top = 100,
                                  .Right = (SHORT)(c->columns - 1),
                                  .Bottom = (SHORT)(100 + c->rows - 1)};
    return TRUE;
}

extern const get_fn replaced_get_mode __asm__(WIN_IMPORT(GetConsoleMode, 8));
extern const set_fn replaced_set_mode __asm__(WIN_IMPORT(SetConsoleMode, 8));
extern const info_fn replaced_get_info __asm__(
    WIN_IMPORT(GetConsoleScreenBufferInfo, 8));
const get_fn replaced_get_mode = get_mode;
const set_fn replaced_set_mode = set_mode;
const info_fn replaced_get_info = get_info;
