/* raw_win_program.c - raw_program.h on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_program.h"
#include "raw_signal.h"
#include "raw_win.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct raw_program {
    HANDLE process, output;
    size_t used;
    char text[16384];
};

/* What is sent to the program comes to all of its console, and so to the
 * test, which goes on. It may come when the program has ended already: once
 * there, this stays. */
static BOOL WINAPI ignore(DWORD event)
{
    return event == CTRL_C_EVENT;
}

static void ignore_ctrl_c(void)
{
    static bool ignoring;

    if (!ignoring)
        (void)SetConsoleCtrlHandler(ignore, TRUE);
    ignoring = true;
}

static bool spawn(struct raw_program *p, const char *const *argv, HANDLE output)
{
    char line[1024] = "";
    wchar_t wide[1024] = L"";
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION made;

    for (; *argv; argv++) {
        size_t used = strlen(line);

        (void)snprintf(line + used, sizeof line - used, "%s\"%s\"",
                       used ? " " : "", *argv);
    }
    start.hStdOutput = start.hStdError = output;
    (void)MultiByteToWideChar(CP_UTF8, 0, line, -1, wide, 1024);
    if (!CreateProcessW(NULL, wide, NULL, NULL, TRUE, 0, NULL, NULL, &start,
                        &made))
        return false;
    (void)CloseHandle(made.hThread);
    p->process = made.hProcess;
    return true;
}

struct raw_program *raw_program_start(const char *const *argv)
{
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited,
                                     .bInheritHandle = TRUE};
    struct raw_program *p = calloc(1, sizeof *p);
    HANDLE output;
    int any;

    if (!p || !CreatePipe(&p->output, &output, &inherited, 0)) {
        free(p);
        return NULL;
    }
    (void)SetHandleInformation(p->output, HANDLE_FLAG_INHERIT, 0);
    (void)raw_signals(&any, 1); /* makes the console */
    ignore_ctrl_c();
    if (!spawn(p, argv, output)) {
        (void)CloseHandle(p->output);
        free(p);
        p = NULL;
    }
    (void)CloseHandle(output);
    return p;
}

/* false: nothing more will come, or not in time */
static bool read_more(struct raw_program *p, int64_t end)
{
    DWORD waiting = 0, count = 0;

    while (PeekNamedPipe(p->output, NULL, 0, NULL, &waiting, NULL)) {
        if (waiting) {
            DWORD room = (DWORD)(sizeof p->text - 1 - p->used);

            if (!room ||
                !ReadFile(p->output, p->text + p->used, room, &count, NULL))
                return false;
            p->used += count;
            p->text[p->used] = '\0';
            return true;
        }
        if (raw_now_ns() > end)
            return false;
        Sleep(5);
    }
    return false;
}

const char *raw_program_says(struct raw_program *p, const char *what,
                             int timeout_ms)
{
    int64_t end = raw_now_ns() + (int64_t)timeout_ms * 1000000;
    const char *found;

    while ((found = strstr(p->text, what)) == NULL ||
           !strchr(found, '\n')) /* whole lines */
        if (!read_more(p, end))
            return NULL;
    return found + strlen(what);
}

const char *raw_program_output(const struct raw_program *p)
{
    return p->text;
}

int raw_program_signal(struct raw_program *p, int signum)
{
    (void)p;
    if (signum != SIGINT)
        return -1;
    return GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? 0 : -1;
}

int raw_program_end(struct raw_program *p, int timeout_ms)
{
    DWORD code = 0;
    bool ended =
        WaitForSingleObject(p->process, (DWORD)timeout_ms) == WAIT_OBJECT_0;

    if (!ended)
        (void)TerminateProcess(p->process, 1);
    else
        (void)GetExitCodeProcess(p->process, &code);
    (void)CloseHandle(p->process);
    (void)CloseHandle(p->output);
    free(p);
    return ended ? (int)code : -1;
}
