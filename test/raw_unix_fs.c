/* raw_unix_fs.c - raw_fs.h's folders and limits, for Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_fs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool raw_fs_folder(char *path, size_t size)
{
    (void)snprintf(path, size, "/tmp/rondo-test-XXXXXX");
    return mkdtemp(path) != NULL;
}

void raw_fs_folder_remove(const char *path)
{
    char name[512];
    DIR *folder = opendir(path);
    const struct dirent *e;

    while (folder && (e = readdir(folder))) {
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)remove(name);
    }
    if (folder)
        (void)closedir(folder);
    (void)rmdir(path);
}

unsigned raw_fs_count(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *e;
    unsigned count = 0;

    while (folder && (e = readdir(folder)))
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (folder)
        (void)closedir(folder);
    return count;
}

bool raw_fs_fifo(const char *path)
{
    return mkfifo(path, 0600) == 0;
}

const char *raw_fs_full(void)
{
    return access("/dev/full", W_OK) == 0 ? "/dev/full" : NULL;
}

bool raw_fs_limit(int64_t bytes)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return false;
    limit.rlim_cur = bytes == INT64_MAX ? limit.rlim_max : (rlim_t)bytes;
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}
