/* fs.h - paths of any length, and what the files for files share: Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_FS_H
#define RONDO_UNIX_FS_H

#include "sys.h"

/* A thread blocks all signals, but a debugger or a stopped process can still
 * interrupt a call. */
#define UNIX_AGAIN(result, call)                                               \
    do {                                                                       \
        (result) = (call);                                                     \
    } while ((result) < 0 && errno == EINTR)

/* A path as openat(2) and its like take it. No call takes more than PATH_MAX
 * bytes, so the directory of a longer path is opened piece by piece. */
struct unix_at {
    int fd; /* AT_FDCWD, or a directory */
    const char *path;
    bool opened; /* fd is unix_at_end's */
};

/* Returns 0 or an error; then unix_at_end is not needed. base: SYS_NO_FD, or
 * where the path begins. */
int unix_at_begin(struct unix_at *at, sys_fd base, const char *path);
void unix_at_end(const struct unix_at *at); /* errno stays */
/* Opens such a path without waiting; close-on-exec, and never 0, 1 or 2. Returns
 * 0 or an error. */
int unix_at_open(const char *path, int flags, unsigned mode, int *opened);
/* The same to examine it: without permission to read, where the system can. */
int unix_at_look(const char *path, int *opened);

/* Our own refusal, for which the system has no number. */
int unix_fs_refuse(int error);

struct stat;
void unix_fs_tell(const struct stat *s, rondo_file_info *info);

#endif
