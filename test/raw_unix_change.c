/* raw_unix_change.c - raw_change.h's changes of files, for Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_change.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool raw_change_write(const char *path, const char *how, const char *text)
{
    FILE *file = fopen(path, how);
    bool done = file && fputs(text, file) >= 0;

    return file && fclose(file) == 0 && done;
}

bool raw_change_rename(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool raw_change_unlink(const char *path)
{
    return unlink(path) == 0;
}

bool raw_change_mkdir(const char *path)
{
    return mkdir(path, 0700) == 0;
}

bool raw_change_rmdir(const char *path)
{
    return rmdir(path) == 0;
}

static int clear_one(const char *path, const struct stat *status, int flag,
                     struct FTW *where)
{
    (void)status;
    (void)flag;
    (void)where;
    (void)remove(path);
    return 0;
}

void raw_change_clear(const char *path)
{
    (void)nftw(path, clear_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool raw_change_symlink(const char *target, const char *path)
{
    return symlink(target, path) == 0;
}

bool raw_change_link(const char *old, const char *path)
{
    return link(old, path) == 0;
}

bool raw_notify_is_prompt(void)
{
    return true;
}

bool raw_notify_follows_directories(void)
{
    return true;
}

bool raw_change_read_only(const char *path)
{
    return chmod(path, 0400) == 0;
}
