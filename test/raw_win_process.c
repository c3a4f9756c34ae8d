/* raw_win_process.c - child processes for tests, on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_process.h"
#include "raw_win.h"

#include <stdio.h>
#include <string.h>

const char *raw_child(void)
{
    return RONDO_TEST_CHILD;
}

const char *raw_self(void)
{
    static char path[3 * MAX_PATH];
    wchar_t wide[MAX_PATH];
    DWORD size = GetModuleFileNameW(NULL, wide, MAX_PATH);

    if (!size || size == MAX_PATH ||
        !WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, sizeof path, NULL,
                             NULL))
        return NULL;
    return path;
}

bool raw_has_signals(void)
{
    return false;
}

const char *raw_known_folder(void)
{
    return "C:\\windows";
}

const char *raw_path_separator(void)
{
    return ";";
}

bool raw_program_file(char *path, size_t size, const char *text, bool may_run)
{
    char folder[MAX_PATH];
    FILE *file;
    bool written;

    if (!may_run || !GetTempPathA(MAX_PATH, folder))
        return false; /* there are no files that must not run */
    (void)snprintf(path, size, "%srondo-test-%lu.exe", folder,
                   GetCurrentProcessId());
    file = fopen(path, "wb");
    if (!file)
        return false;
    written = fwrite(text, 1, strlen(text), file) == strlen(text);
    return fclose(file) == 0 && written;
}

void raw_remove(const char *path)
{
    (void)DeleteFileA(path);
}

bool raw_anybody_may_run(const char *path)
{
    (void)path;
    return true;
}

void raw_set_close_on_exec(raw_fd fd, bool on)
{
    (void)SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT,
                               on ? 0 : HANDLE_FLAG_INHERIT);
}

bool raw_recv_pipe(raw_fd fd, const char *text)
{
    char got[256];
    DWORD used = 0, n;

    while (used < sizeof got &&
           ReadFile((HANDLE)fd, got + used, sizeof got - used, &n, NULL) && n)
        used += n;
    return used == strlen(text) && memcmp(got, text, used) == 0;
}

int raw_zombies(void)
{
    return -1;
}

void raw_process_await(int64_t pid)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);

    if (!process)
        return;
    (void)WaitForSingleObject(process, INFINITE);
    (void)CloseHandle(process);
}

bool raw_process_runs(int64_t pid)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    bool runs;

    if (!process)
        return false;
    runs = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    (void)CloseHandle(process);
    return runs;
}

void raw_process_kill(int64_t pid)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)pid);

    if (!process)
        return;
    (void)TerminateProcess(process, 1);
    (void)CloseHandle(process);
}

bool raw_sigchld(enum raw_sigchld how)
{
    (void)how;
    return false;
}

unsigned raw_sigchld_count(void)
{
    return 0;
}

int64_t raw_process_start(int code)
{
    (void)code;
    return 0;
}

int raw_process_wait(int64_t pid)
{
    (void)pid;
    return -1;
}

bool raw_console_breaks(void)
{
    return !win_is_wine() && GetConsoleWindow();
}

bool raw_is_root(void)
{
    return false;
}

void raw_signal_block(int signum, bool on)
{
    (void)signum;
    (void)on;
}

void raw_signal_ignore(int signum, bool on)
{
    (void)signum;
    (void)on;
}

void raw_signal_catch(int signum, bool on)
{
    (void)signum;
    (void)on;
}

bool raw_kernel_lacks(unsigned what)
{
    (void)what;
    return false;
}

int raw_limit_of_files(void)
{
    return -1;
}

bool raw_cgroup_make(char *folder, size_t size)
{
    (void)folder;
    (void)size;
    return false;
}

void raw_cgroup_remove(const char *folder)
{
    (void)folder;
}

raw_fd raw_job(void)
{
    HANDLE job = CreateJobObjectW(NULL, NULL);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION how = {
        .BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};

    (void)SetInformationJobObject(job, JobObjectExtendedLimitInformation, &how,
                                  sizeof how);
    return (raw_fd)job;
}
