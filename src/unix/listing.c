/* listing.c - the names in a directory, and absolute paths: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "core/notify.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not opendir: a FIFO that has taken the place of a directory would hold up the
 * open. */
static int unix_open_dir(const char *path, DIR **dir)
{
    int fd, error = unix_at_open(path, O_RDONLY | O_DIRECTORY, 0, &fd);
    if (error)
        return error;
    *dir = fdopendir(fd);
    if (*dir)
        return 0;
    error = unix_fail();
    sys_close(fd);
    return error;
}

int notify_list(const char *path,
                bool (*fn)(void *arg, const char *name, uint64_t number),
                void *arg)
{
    DIR *dir;
    struct dirent *entry;
    int error = unix_open_dir(path, &dir);
    if (error)
        return error;
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 &&
            !fn(arg, entry->d_name, (uint64_t)entry->d_ino))
            break;
    }
    if (!entry && errno)
        error = unix_fail();
    closedir(dir);
    return error;
}

int notify_stat(const char *path, bool follow, rondo_file_info *info)
{
    return sys_fs_stat_path(path, follow, info);
}

int notify_absolute(const char *path, char *text, size_t room)
{
    size_t size = strlen(path), head = 0;
    if (*path != '/') {
        if (!getcwd(text, room))
            return unix_fail();
        head = strlen(text);
        if (head > 1 && head < room)
            text[head++] = '/';
    }
    if (head + size >= room) {
        error_no_os();
        return RONDO_ENAMETOOLONG;
    }
    memcpy(text + head, path, size + 1);
    size += head;
    while (size > 1 && text[size - 1] == '/')
        text[--size] = '\0';
    return 0;
}
#endif
