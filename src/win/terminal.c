/* terminal.c - the pseudo console of a child: makes it, sets its size. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

/* Of Windows 10, version 1809; the headers of older ones lack them. */
struct console_calls {
    HRESULT(WINAPI *create)
    (COORD size, HANDLE input, HANDLE output, DWORD flags, void **console);
    HRESULT(WINAPI *resize)(void *console, COORD size);
    void(WINAPI *close)(void *console);
};

static bool win_terminal_find(HMODULE module, const char *name, void *call)
{
    FARPROC found = GetProcAddress(module, name);
    memcpy(call, &found, sizeof found);
    return found;
}

static bool win_terminal_calls(struct console_calls *calls)
{
    HMODULE module = GetModuleHandleW(L"kernel32.dll");
    return module &&
           win_terminal_find(module, "CreatePseudoConsole", &calls->create) &&
           win_terminal_find(module, "ResizePseudoConsole", &calls->resize) &&
           win_terminal_find(module, "ClosePseudoConsole", &calls->close);
}

bool win_terminal_is_there(void)
{
    struct console_calls calls;
    return win_terminal_calls(&calls);
}

static int win_terminal_error(HRESULT result)
{
    if (result >= 0)
        return 0;
    if (HRESULT_FACILITY(result) == FACILITY_WIN32)
        return error_from_os(HRESULT_CODE(result));
    return error_from_os(result == E_NOTIMPL ? ERROR_NOT_SUPPORTED
                                             : ERROR_GEN_FAILURE);
}

static int win_terminal_coord(unsigned columns, unsigned rows, COORD *size)
{
    if (columns > SHRT_MAX || rows > SHRT_MAX)
        return error_from_os(ERROR_INVALID_PARAMETER);
    *size = (COORD){(SHORT)columns, (SHORT)rows};
    return 0;
}

/* The console reads from one pipe and writes to another: of handles that are
 * not overlapped, one could not wait for both. It has copies of its ends. */
int sys_child_terminal(unsigned columns, unsigned rows,
                       struct sys_terminal *made)
{
    struct console_calls calls;
    sys_fd input = SYS_NO_FD, output = SYS_NO_FD;
    COORD size;
    *made = (struct sys_terminal){SYS_NO_FD, SYS_NO_FD, SYS_NO_FD, NULL};
    int error = win_terminal_coord(columns, rows, &size);
    if (!error && !win_terminal_calls(&calls))
        error = error_from_os(ERROR_NOT_SUPPORTED);
    if (!error)
        error = sys_child_pipe(SIDE_WRITE, &made->writes, &input);
    if (!error)
        error = sys_child_pipe(SIDE_READ, &made->reads, &output);
    if (!error)
        error = win_terminal_error(calls.create(
            size, (HANDLE)input, (HANDLE)output, 0, &made->console));
    sys_child_close(input);
    sys_child_close(output);
    if (!error)
        return 0;
    sys_child_close(made->reads);
    sys_child_close(made->writes);
    return error;
}

int sys_terminal_size(sys_fd ours, void *console, unsigned columns,
                      unsigned rows)
{
    struct console_calls calls;
    COORD size;
    (void)ours;
    assert(console);
    int error = win_terminal_coord(columns, rows, &size);
    if (!error && !win_terminal_calls(&calls))
        error = error_from_os(ERROR_NOT_SUPPORTED);
    return error ? error : win_terminal_error(calls.resize(console, size));
}

static DWORD WINAPI win_terminal_end(void *console)
{
    struct console_calls calls;
    if (win_terminal_calls(&calls))
        calls.close(console);
    return 0;
}

/* Before Windows 11, version 24H2, the call waits until its output is read. That
 * is the loop's, so a thread makes it. Without a thread the console stays. */
void sys_console_close(void *console)
{
    HANDLE thread =
        console ? CreateThread(NULL, 0, win_terminal_end, console, 0, NULL)
                : NULL;
    if (thread)
        (void)CloseHandle(thread);
}
#endif
