/* fs_dir.c - directories that are read, trees that are removed: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE /* d_type */
#define _NETBSD_SOURCE
#include "base/error.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

struct sys_dir {
    DIR *dir;
    const struct dirent *entry; /* the last one */
    bool again;                 /* it is the next one, too */
};

int sys_dir_open(sys_fd directory, struct sys_dir **dir)
{
    struct sys_dir *d = calloc(1, sizeof *d);
    *dir = NULL;
    if (!d)
        return unix_fs_refuse(RONDO_ENOMEM);
    d->dir = fdopendir(directory);
    if (!d->dir) {
        int error = unix_fail();
        free(d);
        return error;
    }
    *dir = d;
    return 0;
}

int sys_dir_close(struct sys_dir *dir)
{
    int error = closedir(dir->dir) < 0 && errno != EINTR ? unix_fail() : 0;
    free(dir);
    return error;
}

void sys_dir_again(struct sys_dir *dir)
{
    dir->again = true;
}

static bool unix_dir_is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* true: the type needs no look at the file. */
static bool unix_dir_type(const struct dirent *e, rondo_file_type *type)
{
#ifdef DT_UNKNOWN
    *type = e->d_type == DT_REG   ? RONDO_FILE_REGULAR
            : e->d_type == DT_DIR ? RONDO_FILE_DIRECTORY
            : e->d_type == DT_LNK ? RONDO_FILE_SYMLINK
                                  : RONDO_FILE_OTHER;
    return e->d_type != DT_UNKNOWN;
#else
    (void)e;
    (void)type;
    return false;
#endif
}

/* One that was removed meanwhile is left out: RONDO_ENOENT. */
static int unix_dir_look(const struct sys_dir *d, struct sys_entry *entry)
{
    struct stat s;
    rondo_file_info info = {.size = sizeof info};
    if (unix_dir_type(d->entry, &entry->type) && !entry->info)
        return 0;
    if (fstatat(dirfd(d->dir), d->entry->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0)
        return unix_fail();
    unix_fs_tell(&s, &info);
    entry->type = info.type;
    if (entry->info)
        *entry->info = info;
    return 0;
}

int sys_dir_next(struct sys_dir *dir, struct sys_entry *entry)
{
    for (;;) {
        errno = 0;
        if (!dir->again)
            dir->entry = readdir(dir->dir);
        dir->again = false;
        if (!dir->entry)
            return errno ? unix_fail() : 0;
        entry->name = dir->entry->d_name;
        if (unix_dir_is_dots(entry->name))
            continue;
        int error = unix_dir_look(dir, entry);
        if (error != RONDO_ENOENT)
            return error ? error : 1;
    }
}

/* ---- removing a tree ---- */

enum {
    OPEN_MOST = 64,   /* directories of one removal, at most */
    PASSES_MOST = 100 /* through one to which others add files */
};

/* A directory that is being emptied. Only the deepest ones are open: one above
 * them is opened again as the ".." of the one below, and must be the same. */
struct unix_level {
    struct unix_level *up;
    DIR *dir; /* NULL: closed for the time being */
    dev_t device;
    ino_t number;
    unsigned passes;
    char name[]; /* in the directory above */
};

struct unix_tree {
    struct unix_at at; /* where the tree is */
    struct unix_level *level;
};

static void unix_tree_pop(struct unix_tree *t)
{
    struct unix_level *l = t->level;
    t->level = l->up;
    if (l->dir)
        (void)closedir(l->dir);
    free(l);
}

/* No link is followed, whatever takes the name's place meanwhile. */
static DIR *unix_tree_opendir(int fd, const char *name)
{
    int opened;
    UNIX_AGAIN(opened, openat(fd, name,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK |
                                  O_CLOEXEC));
    if (opened < 0)
        return NULL;
    DIR *dir = fdopendir(opened);
    int number = errno;
    if (!dir)
        sys_close(opened);
    errno = number;
    return dir;
}

static void unix_tree_close_above(struct unix_level *l)
{
    for (int i = 0; l && i < OPEN_MOST; i++)
        l = l->up;
    if (l && l->dir) {
        (void)closedir(l->dir);
        l->dir = NULL;
    }
}

/* Goes into a directory. Returns 1: it is gone, or is none any more. */
static int unix_tree_push(struct unix_tree *t, int fd, const char *name)
{
    struct stat s;
    DIR *dir = unix_tree_opendir(fd, name);
    if (!dir && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
                 errno == EMLINK))
        return 1;
    if (!dir)
        return unix_fail();
    struct unix_level *l = calloc(1, sizeof *l + strlen(name) + 1);
    if (!l || fstat(dirfd(dir), &s) < 0) {
        int error = l ? unix_fail() : unix_fs_refuse(RONDO_ENOMEM);
        (void)closedir(dir);
        free(l);
        return error;
    }
    memcpy(l->name, name, strlen(name) + 1);
    l->dir = dir;
    l->device = s.st_dev;
    l->number = s.st_ino;
    l->up = t->level;
    t->level = l;
    unix_tree_close_above(l);
    return 0;
}

/* Makes sure that the directory above is open. */
static int unix_tree_open_above(const struct unix_level *l)
{
    struct unix_level *up = l->up;
    struct stat s;
    if (!up || up->dir)
        return 0;
    up->dir = unix_tree_opendir(dirfd(l->dir), "..");
    if (!up->dir || fstat(dirfd(up->dir), &s) < 0)
        return unix_fail();
    /* somebody has moved the one below to elsewhere */
    if (s.st_dev != up->device || s.st_ino != up->number)
        return unix_fs_refuse(RONDO_EBUSY);
    return 0;
}

/* The directory is empty, as far as we can see. */
static int unix_tree_leave(struct unix_tree *t)
{
    struct unix_level *l = t->level;
    int error = unix_tree_open_above(l);
    if (error)
        return error;
    int fd = l->up ? dirfd(l->up->dir) : t->at.fd;
    if (unlinkat(fd, l->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
        /* while it is read some file systems leave entries out, and others
         * may add some */
        bool filled = errno == ENOTEMPTY || errno == EEXIST;
        if (filled && l->passes++ < PASSES_MOST) {
            rewinddir(l->dir);
            return 0;
        }
        /* a link has taken its place: that is removed, not followed */
        if (errno != ENOTDIR || unlinkat(fd, l->name, 0) < 0)
            return unix_fail();
    }
    unix_tree_pop(t);
    return 0;
}

/* Linux has EISDIR for directories, POSIX EPERM. */
static int unix_tree_remove(struct unix_tree *t, int fd, const char *name)
{
    if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    int error = unix_fail(), number = errno;
    int64_t os_error = rondo_last_os_error();
    if (number != EISDIR && number != EPERM && number != ENOTDIR)
        return error;
    int pushed = unix_tree_push(t, fd, name);
    if (pushed <= 0) {
        /* what cannot be read may still be empty */
        if (pushed == RONDO_EACCES && unlinkat(fd, name, AT_REMOVEDIR) == 0)
            return 0;
        return pushed;
    }
    if (number != EPERM)
        return 0; /* another pass finds what it is now */
    return error_from_os(os_error);
}

static int unix_tree_step(struct unix_tree *t)
{
    struct unix_level *l = t->level;
    errno = 0;
    const struct dirent *e = readdir(l->dir);
    if (!e)
        return errno ? unix_fail() : unix_tree_leave(t);
    if (unix_dir_is_dots(e->d_name))
        return 0;
    return unix_tree_remove(t, dirfd(l->dir), e->d_name);
}

int sys_fs_remove_tree(const char *path, const atomic_bool *stop)
{
    struct unix_tree t = {.level = NULL};
    struct stat s;
    int error = unix_at_begin(&t.at, SYS_NO_FD, path);
    if (error)
        return error;
    if (fstatat(t.at.fd, t.at.path, &s, AT_SYMLINK_NOFOLLOW) < 0)
        error = unix_fail();
    /* something else may take its place meanwhile */
    for (int i = 0; !error && !t.level && i < PASSES_MOST; i++) {
        error = unix_tree_remove(&t, t.at.fd, t.at.path);
        if (fstatat(t.at.fd, t.at.path, &s, AT_SYMLINK_NOFOLLOW) < 0)
            break;
    }
    while (!error && t.level)
        error = atomic_load(stop) ? unix_fs_refuse(RONDO_ECANCELED)
                                  : unix_tree_step(&t);
    int64_t os_error = rondo_last_os_error();
    while (t.level)
        unix_tree_pop(&t);
    unix_at_end(&t.at);
    if (error && os_error)
        (void)error_from_os(os_error);
    return error;
}
#endif
