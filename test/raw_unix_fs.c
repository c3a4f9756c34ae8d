/* raw_unix_fs.c - raw_fs.h's folders and limits, for Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool raw_fs_folder(char *path, size_t size)
{
    /* in memory where that can be: a disk takes seconds for as many files */
    (void)snprintf(path, size, "/dev/shm/rondo-test-XXXXXX");
    if (mkdtemp(path))
        return true;
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
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            remove(name) != 0)
            raw_fs_folder_remove(name);
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

bool raw_fs_fill(const char *path, unsigned count)
{
    char name[16];
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = folder >= 0;

    for (unsigned i = 0; done && i < count; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        done = fd >= 0 && close(fd) == 0;
    }
    if (folder >= 0)
        (void)close(folder);
    return done;
}

bool raw_fs_deep(const char *path, unsigned levels, unsigned size)
{
    char name[256];
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    memset(name, 'd', sizeof name);
    name[size] = '\0';
    for (unsigned i = 0; folder >= 0 && i < levels; i++) {
        int below =
            mkdirat(folder, name, 0700) == 0
                ? openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                : -1;
        (void)close(folder);
        folder = below;
    }
    return folder >= 0 && close(folder) == 0;
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
