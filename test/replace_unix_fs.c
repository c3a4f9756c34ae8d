/* replace_unix_fs.c - calls on files that hang, fall short or are interrupted. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FILE_OFFSET_BITS /* glibc would give both kinds of calls one name */
#include "raw_fs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_bool holding;
static atomic_uint held, calls, interrupted;
static atomic_size_t most_bytes;

bool raw_fs_hold(bool on)
{
    atomic_store(&holding, on);
    while (!on && atomic_load(&held))
        raw_yield();
    return true;
}

unsigned raw_fs_held(void)
{
    return atomic_load(&held);
}

bool raw_fs_short(size_t most)
{
    atomic_store(&interrupted, 0);
    atomic_store(&most_bytes, most);
    return true;
}

unsigned raw_fs_interrupted(void)
{
    return atomic_load(&interrupted);
}

static void *find(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* ---- a disk that fails -------------------------------------------------- */

static atomic_int good = -1; /* calls that work still; below 0: all */

bool raw_fs_break(int after)
{
    atomic_store(&good, after);
    return true;
}

static bool is_broken(void)
{
    int left = atomic_load(&good);

    while (left > 0 && !atomic_compare_exchange_weak(&good, &left, left - 1))
        ;
    if (left)
        return false;
    errno = EIO;
    return true;
}

int fdatasync(int fd)
{
    void *found = find("fdatasync");
    int (*next)(int);

    memcpy(&next, &found, sizeof next);
    return is_broken() ? -1 : next(fd);
}

/* Of files alone: what wakes a loop is written, too, also by a signal handler,
 * where nothing may be looked up. */
ssize_t write(int fd, const void *data, size_t size)
{
    static _Atomic(void *) known;
    void *found = atomic_load(&known);
    ssize_t (*next)(int, const void *, size_t);
    struct stat file;

    if (!found)
        atomic_store(&known, found = find("write"));
    memcpy(&next, &found, sizeof next);
    if (atomic_load(&good) >= 0 && fstat(fd, &file) == 0 &&
        S_ISREG(file.st_mode) && is_broken())
        return -1;
    return next(fd, data, size);
}

#ifdef __GLIBC__
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at,
                        size_t size, unsigned flags)
{
    void *found = find("copy_file_range");
    ssize_t (*next)(int, off64_t *, int, off64_t *, size_t, unsigned);

    memcpy(&next, &found, sizeof next);
    if (is_broken())
        return -1;
    return next(from, from_at, to, to_at, size, flags);
}
#endif

/* ---- calls that hang, fall short or are interrupted --------------------- */

int fsync(int fd)
{
    void *found = find("fsync");
    int (*next)(int);

    memcpy(&next, &found, sizeof next);
    if (is_broken())
        return -1;
    if (atomic_load(&holding)) {
        atomic_fetch_add(&held, 1);
        while (atomic_load(&holding))
            raw_sleep_ms(1);
        atomic_fetch_sub(&held, 1);
    }
    return next(fd);
}

/* What is left of a size; 0: the call is interrupted, and errno is EINTR. */
static size_t cut(size_t size)
{
    size_t most = atomic_load(&most_bytes);

    if (!most)
        return size;
    if (atomic_fetch_add(&calls, 1) % 2 == 0) {
        atomic_fetch_add(&interrupted, 1);
        errno = EINTR;
        return 0;
    }
    return size < most ? size : most;
}

/* Each kind of call, and the one that glibc has for large files. */
#define VECTOR(name, offset_type)                                              \
    ssize_t name(int fd, const struct iovec *parts, int count,                 \
                 offset_type offset)                                           \
    {                                                                          \
        void *found = find(#name);                                             \
        ssize_t (*next)(int, const struct iovec *, int, offset_type);          \
        struct iovec first = parts[0];                                         \
                                                                               \
        memcpy(&next, &found, sizeof next);                                    \
        if (is_broken())                                                       \
            return -1;                                                         \
        if (!atomic_load(&most_bytes))                                         \
            return next(fd, parts, count, offset);                             \
        first.iov_len = cut(first.iov_len);                                    \
        return first.iov_len ? next(fd, &first, 1, offset) : -1;               \
    }

#define PLAIN(name, data_type, offset_type)                                    \
    ssize_t name(int fd, data_type data, size_t size, offset_type offset)      \
    {                                                                          \
        void *found = find(#name);                                             \
        ssize_t (*next)(int, data_type, size_t, offset_type);                  \
        size_t left = size ? cut(size) : 0;                                    \
                                                                               \
        memcpy(&next, &found, sizeof next);                                    \
        return left || !size ? next(fd, data, left, offset) : -1;              \
    }

VECTOR(preadv, off_t)
VECTOR(pwritev, off_t)
PLAIN(pread, void *, off_t)
PLAIN(pwrite, const void *, off_t)
#ifdef __GLIBC__
VECTOR(preadv64, off64_t)
VECTOR(pwritev64, off64_t)
PLAIN(pread64, void *, off64_t)
PLAIN(pwrite64, const void *, off64_t)
#endif

/* ---- what cannot be opened ---- */

static _Atomic(const char *) denied;
static atomic_bool denied_io;

bool raw_fs_deny(const char *end, bool io)
{
    atomic_store(&denied_io, io);
    atomic_store(&denied, end);
    return true;
}

static bool is_denied(const char *path)
{
    const char *end = atomic_load(&denied);
    size_t size = strlen(path), last = end ? strlen(end) : 0;

    if (!end || size < last || strcmp(path + size - last, end) != 0)
        return false;
    errno = atomic_load(&denied_io) ? EIO : EACCES;
    return true;
}

#define OPENAT(name)                                                           \
    int name(int folder, const char *path, int flags, ...)                     \
    {                                                                          \
        void *found = find(#name);                                             \
        int (*next)(int, const char *, int, ...);                              \
        va_list arguments;                                                     \
        int mode = 0;                                                          \
                                                                               \
        if (flags & O_CREAT) {                                                 \
            va_start(arguments, flags);                                        \
            mode = va_arg(arguments, int);                                     \
            va_end(arguments);                                                 \
        }                                                                      \
        memcpy(&next, &found, sizeof next);                                    \
        return is_denied(path) ? -1 : next(folder, path, flags, mode);         \
    }

OPENAT(openat)
#ifdef __GLIBC__
OPENAT(openat64)
#endif
