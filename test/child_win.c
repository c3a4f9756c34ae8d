/* child_win.c - what child.c asks of Windows. */
/* SPDX-License-Identifier: MIT */
#include "child_system.h"

#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include <shellapi.h>

static char *to_utf8(const wchar_t *text)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *made = calloc((size_t)size + 1, 1);

    (void)WideCharToMultiByte(CP_UTF8, 0, text, -1, made, size, NULL, NULL);
    return made;
}

/* Windows gives a program on a pseudo console the standard handles that it does
 * not have. Wine gives it the console alone. */
static void take_console(int fd, DWORD which, const wchar_t *name)
{
    HANDLE handle = GetStdHandle(which);
    int opened;

    if (handle && handle != INVALID_HANDLE_VALUE)
        return;
    handle = CreateFileW(name, GENERIC_READ | GENERIC_WRITE,
                         FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                         OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return;
    opened = _open_osfhandle((intptr_t)handle, _O_BINARY);
    if (opened >= 0 && opened != fd) {
        (void)_dup2(opened, fd);
        (void)_close(opened);
    }
}

/* As the system splits the command line: the C runtime has ways of its own. */
void child_begin(int *argc, char ***argv)
{
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), argc);
    char **made = calloc((size_t)*argc + 1, sizeof *made);

    for (int i = 0; i < *argc; i++)
        made[i] = to_utf8(wide[i]);
    *argv = made;
    take_console(0, STD_INPUT_HANDLE, L"CONIN$");
    take_console(1, STD_OUTPUT_HANDLE, L"CONOUT$");
    take_console(2, STD_ERROR_HANDLE, L"CONOUT$");
    for (int fd = 0; fd < 3; fd++)
        (void)_setmode(fd, _O_BINARY);
}

long child_read(int fd, void *data, size_t size)
{
    return _read(fd, data, (unsigned)size);
}

long child_write(int fd, const void *data, size_t size)
{
    return _write(fd, data, (unsigned)(size < 65536 ? size : 65536));
}

void child_pass(int fd)
{
    (void)fd;
    exit(96); /* no descriptors are sent here */
}

void child_close(int fd)
{
    (void)_close(fd);
}

void child_sleep(void)
{
    Sleep(CHILD_LIFE_S * 1000);
}

void child_die(int signum)
{
    (void)TerminateProcess(GetCurrentProcess(), (UINT)signum);
}

void child_start(char *argv[])
{
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION made;
    wchar_t path[1024];
    wchar_t line[8192] = L"child";

    for (char **next = argv + 1; *next; next++) {
        wchar_t word[1024] = L"";

        (void)MultiByteToWideChar(CP_UTF8, 0, *next, -1, word, 1024);
        wcscat(line, L" \"");
        wcscat(line, word);
        wcscat(line, L"\"");
    }
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    (void)GetModuleFileNameW(NULL, path, 1024);
    if (CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup,
                       &made)) {
        (void)CloseHandle(made.hThread);
        (void)CloseHandle(made.hProcess);
    }
}

/* Wine gives these to each program. */
static bool is_systems(const wchar_t *variable)
{
    return wcsncmp(variable, L"WINE", 4) == 0 ||
           wcsncmp(variable, L"SystemRoot=", 11) == 0 ||
           wcsncmp(variable, L"SystemDrive=", 12) == 0;
}

/* without those of the shell, which have names that begin with "=" */
char **child_environment(void)
{
    const wchar_t *next = GetEnvironmentStringsW();
    char **made = calloc(1024, sizeof *made);
    int count = 0;

    for (; *next && count < 1023; next += wcslen(next) + 1)
        if (*next != L'=' && !is_systems(next))
            made[count++] = to_utf8(next);
    return made;
}

void child_say_folder(void)
{
    wchar_t path[1024] = L"?";
    char *text;

    (void)GetCurrentDirectoryW(1024, path);
    text = to_utf8(path);
    child_say("%s\n", text);
    free(text);
}

void child_say_descriptors(void)
{
    for (int fd = 0; fd < 64; fd++)
        if (_get_osfhandle(fd) != -1)
            child_say("%d ", fd);
}

void child_say_signals(void)
{
    child_say("none\n");
}

void child_say_ids(void)
{
    child_say("none\n");
}

void child_say_terminal(int fd)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    DWORD mode;
    HANDLE handle = (HANDLE)_get_osfhandle(fd);

    if (!GetConsoleMode(handle, &mode))
        child_say("%d is no terminal\n", fd);
    else if (GetConsoleScreenBufferInfo(handle, &info))
        child_say("%d is a terminal %dx%d\n", fd,
                  info.srWindow.Right - info.srWindow.Left + 1,
                  info.srWindow.Bottom - info.srWindow.Top + 1);
    else
        child_say("%d is a terminal\n", fd);
}

void child_await_size(void)
{
    child_say("none\n");
}

void child_say_limit(int resource)
{
    (void)resource;
    child_say("none\n");
}

void child_say_nice(void)
{
    child_say("%d\n", (int)GetPriorityClass(GetCurrentProcess()));
}

void child_say_handle(long long handle)
{
    DWORD flags;

    child_say(GetHandleInformation((HANDLE)(intptr_t)handle, &flags)
                  ? "open\n"
                  : "not open\n");
}
