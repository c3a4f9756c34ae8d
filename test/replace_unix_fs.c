/* replace_unix_fs.c - calls on files that hang, fall short or are interrupted. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include "raw_fs.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_bool holding;
static atomic_uint held, calls, interrupted;
static atomic_size_t most_bytes;

/* glibc's headers turn the name into that of the function for large files. */
#ifdef __GLIBC__
#define LARGE "64"
#else
#define LARGE ""
#endif

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

int fsync(int fd)
{
    void *found = find("fsync");
    int (*next)(int);

    memcpy(&next, &found, sizeof next);
    if (atomic_load(&holding)) {
        atomic_fetch_add(&held, 1);
        while (atomic_load(&holding))
            raw_sleep_ms(1);
        atomic_fetch_sub(&held, 1);
    }
    return next(fd);
}

/* Moves less than was asked for, or nothing: then errno is EINTR. */
static ssize_t move(const char *name, int fd, const struct iovec *parts,
                    int count, off_t offset)
{
    void *found = find(name);
    ssize_t (*next)(int, const struct iovec *, int, off_t);
    size_t most = atomic_load(&most_bytes);
    struct iovec first = parts[0];

    memcpy(&next, &found, sizeof next);
    if (!most)
        return next(fd, parts, count, offset);
    if (atomic_fetch_add(&calls, 1) % 2 == 0) {
        atomic_fetch_add(&interrupted, 1);
        errno = EINTR;
        return -1;
    }
    if (first.iov_len > most)
        first.iov_len = most;
    return next(fd, &first, 1, offset);
}

ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset)
{
    return move("preadv" LARGE, fd, parts, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return move("pwritev" LARGE, fd, parts, count, offset);
}
