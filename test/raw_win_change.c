/* raw_win_change.c - raw_change.h, for Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_change.h"
#include "raw_win.h"

#include <stdio.h>
#include <string.h>

/* Who looks at a file has it open for that moment, and before Windows 10 a name
 * stays until the last handle of a removed file is closed. */
enum { PATIENCE_MS = 5000 };
#define PATIENTLY(done)                                                        \
    for (int ms = 0; !(done) && ms < PATIENCE_MS; ms++)                        \
    raw_sleep_ms(1)

bool raw_change_write(const char *path, const char *how, const char *text)
{
    FILE *file = NULL;
    bool done;

    PATIENTLY((file = fopen(path, *how == 'a' ? "ab" : "wb")) != NULL);
    done = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && done;
}

bool raw_change_rename(const char *from, const char *to)
{
    bool done = false;

    PATIENTLY(done = MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING));
    return done;
}

bool raw_change_unlink(const char *path)
{
    bool done = false;

    PATIENTLY(done = DeleteFileA(path));
    return done;
}

bool raw_change_mkdir(const char *path)
{
    bool done = false;

    PATIENTLY(done = CreateDirectoryA(path, NULL));
    return done;
}

bool raw_change_rmdir(const char *path)
{
    bool done = false;

    PATIENTLY(done = RemoveDirectoryA(path));
    return done;
}

void raw_change_clear(const char *path)
{
    char name[1024];
    WIN32_FIND_DATAA found;
    HANDLE search;

    (void)snprintf(name, sizeof name, "%s\\*", path);
    search = FindFirstFileA(name, &found);
    while (search != INVALID_HANDLE_VALUE) {
        (void)snprintf(name, sizeof name, "%s\\%s", path, found.cFileName);
        if (strcmp(found.cFileName, ".") != 0 &&
            strcmp(found.cFileName, "..") != 0)
            raw_change_clear(name);
        if (!FindNextFileA(search, &found))
            break;
    }
    if (search != INVALID_HANDLE_VALUE)
        (void)FindClose(search);
    (void)SetFileAttributesA(path, FILE_ATTRIBUTE_NORMAL);
    if (!DeleteFileA(path))
        (void)RemoveDirectoryA(path);
}

bool raw_change_symlink(const char *target, const char *path)
{
    (void)target;
    (void)path;
    return false;
}

bool raw_change_link(const char *old, const char *path)
{
    (void)old;
    (void)path;
    return false;
}

bool raw_notify_is_prompt(void)
{
    return false;
}

bool raw_notify_follows_directories(void)
{
    return !win_is_wine();
}

bool raw_change_read_only(const char *path)
{
    return SetFileAttributesA(path, FILE_ATTRIBUTE_READONLY);
}

bool raw_notify_refuse(unsigned times)
{
    (void)times;
    return false;
}

bool raw_notify_hold(bool on)
{
    (void)on;
    return false;
}

unsigned raw_notify_held(void)
{
    return 0;
}
