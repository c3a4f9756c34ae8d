/* raw_win_fs.c - raw_fs.h, for Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_fs.h"
#include "raw_win.h"

#include <stdio.h>
#include <string.h>

/* The path without characters that are not ASCII: it goes through UTF-8. */
bool raw_fs_folder(char *path, size_t size)
{
    static unsigned number;
    char temporary[MAX_PATH + 1];

    if (!GetTempPathA(sizeof temporary, temporary))
        return false;
    /* a process of the same number may have left one */
    for (int i = 0; i < 100; i++) {
        (void)snprintf(path, size, "%srondo-test-%lu-%u", temporary,
                       GetCurrentProcessId(), ++number);
        if (CreateDirectoryA(path, NULL))
            return true;
    }
    return false;
}

void raw_fs_folder_remove(const char *path)
{
    char name[1024];
    WIN32_FIND_DATAA found;
    HANDLE search;

    (void)snprintf(name, sizeof name, "%s\\*", path);
    search = FindFirstFileA(name, &found);
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        (void)snprintf(name, sizeof name, "%s\\%s", path, found.cFileName);
        if (strcmp(found.cFileName, ".") != 0 &&
            strcmp(found.cFileName, "..") != 0 && !DeleteFileA(name))
            raw_fs_folder_remove(name);
    } while (FindNextFileA(search, &found));
    (void)FindClose(search);
    (void)RemoveDirectoryA(path);
}

unsigned raw_fs_count(const char *path)
{
    char name[1024];
    WIN32_FIND_DATAA found;
    unsigned count = 0;
    HANDLE search;

    (void)snprintf(name, sizeof name, "%s\\*", path);
    search = FindFirstFileA(name, &found);
    if (search == INVALID_HANDLE_VALUE)
        return 0;
    do {
        count += strcmp(found.cFileName, ".") != 0 &&
                 strcmp(found.cFileName, "..") != 0;
    } while (FindNextFileA(search, &found));
    (void)FindClose(search);
    return count;
}

bool raw_fs_fill(const char *path, unsigned count)
{
    char name[1024];
    bool done = true;

    for (unsigned i = 0; done && i < count; i++) {
        HANDLE file;
        (void)snprintf(name, sizeof name, "%s\\%u", path, i);
        file =
            CreateFileA(name, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        done = file != INVALID_HANDLE_VALUE && CloseHandle(file);
    }
    return done;
}

bool raw_fs_deep(const char *path, unsigned levels, unsigned size)
{
    (void)path;
    (void)levels;
    (void)size;
    return false;
}

bool raw_fs_fifo(const char *path)
{
    (void)path;
    return false;
}

const char *raw_fs_full(void)
{
    return NULL;
}

bool raw_fs_limit(int64_t bytes)
{
    (void)bytes;
    return false;
}

bool raw_fs_hold(bool on)
{
    (void)on;
    return false;
}

unsigned raw_fs_held(void)
{
    return 0;
}

bool raw_fs_short(size_t most)
{
    (void)most;
    return false;
}

unsigned raw_fs_interrupted(void)
{
    return 0;
}

bool raw_fs_break(int after)
{
    (void)after;
    return false;
}

bool raw_fs_deny(const char *end, bool io)
{
    (void)end;
    (void)io;
    return false;
}
