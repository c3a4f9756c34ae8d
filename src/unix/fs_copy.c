/* fs_copy.c - a copy of a file: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/ioctl.h>
#endif

#if defined(__linux__) && !defined(FICLONE)
#define FICLONE _IOW(0x94, 9, int)
#endif

enum {
    PIECE = 1 << 17,       /* of read and write */
    KERNEL_PIECE = 1 << 26 /* ... of copy_file_range, so that it can end */
};

struct unix_copy {
    int from, to;
    int64_t moved;
    const atomic_bool *stop;
};

/* Returns RONDO_ENOTSUP if the file system cannot, or there is no such call. */
static int unix_copy_clone(const struct unix_copy *c)
{
#ifdef __linux__
    int result;
    UNIX_AGAIN(result, ioctl(c->to, FICLONE, c->from));
    if (result == 0)
        return 0;
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
        return unix_fail();
#else
    (void)c;
#endif
    return unix_fs_refuse(RONDO_ENOTSUP);
}

/* As clone. Linux before 5.3 has it only within a file system, and some file
 * systems have refused with EINVAL. */
#ifdef __linux__
static int unix_copy_by_kernel(struct unix_copy *c)
{
    while (!atomic_load(c->stop)) {
        ssize_t moved;
        UNIX_AGAIN(moved, copy_file_range(c->from, NULL, c->to, NULL,
                                          KERNEL_PIECE, 0));
        if (moved > 0) {
            c->moved += moved;
            continue;
        }
        if (moved < 0 && errno != EINVAL && errno != EXDEV && errno != ENOSYS &&
            errno != EOPNOTSUPP && errno != EPERM && errno != EBADF)
            return unix_fail();
        /* 0 at once may also be a file of /proc, which says it is empty */
        return moved == 0 && c->moved ? 0 : unix_fs_refuse(RONDO_ENOTSUP);
    }
    return unix_fs_refuse(RONDO_ECANCELED);
}
#else
static int unix_copy_by_kernel(struct unix_copy *c)
{
    (void)c;
    return unix_fs_refuse(RONDO_ENOTSUP);
}
#endif

static int unix_copy_write(struct unix_copy *c, const char *data, size_t size)
{
    while (size) {
        ssize_t moved;
        UNIX_AGAIN(moved, write(c->to, data, size));
        if (moved < 0)
            return unix_fail();
        data += moved;
        size -= (size_t)moved;
        c->moved += moved;
    }
    return 0;
}

static int unix_copy_by_hand(struct unix_copy *c)
{
    char *data = malloc(PIECE);
    ssize_t got = data ? 1 : 0;
    int error = data ? 0 : unix_fs_refuse(RONDO_ENOMEM);
    while (!error && got > 0) {
        if (atomic_load(c->stop)) {
            error = unix_fs_refuse(RONDO_ECANCELED);
            break;
        }
        UNIX_AGAIN(got, read(c->from, data, PIECE));
        error = got < 0 ? unix_fail() : unix_copy_write(c, data, (size_t)got);
    }
    free(data);
    return error;
}

static int unix_copy_bytes(struct unix_copy *c, unsigned flags)
{
    struct stat s;
    int error = unix_copy_clone(c);
    if (!error) { /* all of it, at once */
        if (fstat(c->to, &s) < 0)
            return unix_fail();
        c->moved = (int64_t)s.st_size;
    }
    if (error != RONDO_ENOTSUP || flags & RONDO_COPY_CLONE)
        return error;
    error = unix_copy_by_kernel(c);
    return error == RONDO_ENOTSUP ? unix_copy_by_hand(c) : error;
}

static int unix_copy_source(const char *path, int *fd, mode_t *mode)
{
    struct stat s;
    int error = unix_at_open(path, O_RDONLY, 0, fd);
    if (error)
        return error;
    if (fstat(*fd, &s) < 0)
        error = unix_fail();
    else if (!S_ISREG(s.st_mode))
        error =
            unix_fs_refuse(S_ISDIR(s.st_mode) ? RONDO_EISDIR : RONDO_ENOTSUP);
    else
        *mode = s.st_mode & 0777;
    if (error)
        sys_close(*fd);
    return error;
}

/* The mode last: without 0200 the file could not be removed from, or written to
 * over, some network file systems. */
static int unix_copy_end(struct unix_copy *c, mode_t mode, int error)
{
    if (!error && fchmod(c->to, mode) < 0 && errno != EPERM)
        error = unix_fail();
    if (close(c->to) < 0 && errno != EINTR && !error)
        error = unix_fail();
    sys_close(c->from);
    return error;
}

int64_t sys_fs_copy(const char *from, const char *to, unsigned flags,
                    const atomic_bool *stop)
{
    struct unix_copy c = {.stop = stop};
    mode_t mode = 0;
    int error = unix_copy_source(from, &c.from, &mode);
    if (error)
        return error;
    error = unix_at_open(to, O_WRONLY | O_CREAT | O_EXCL, 0600, &c.to);
    if (error) {
        sys_close(c.from);
        return error;
    }
    error = unix_copy_end(&c, mode, unix_copy_bytes(&c, flags));
    if (error) {
        int64_t os_error = rondo_last_os_error();
        (void)sys_fs_unlink(to);
        if (os_error)
            (void)error_from_os(os_error);
        else
            error_no_os();
    }
    return error ? error : c.moved;
}
#endif
