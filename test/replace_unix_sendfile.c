/* replace_unix_sendfile.c - sendfile(2) that fails as told. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>

/* of the test's own thread, as the loop that sends */
static unsigned failed;

unsigned raw_sendfile_failed(void)
{
    return failed;
}

#ifdef __linux__

/* A library that is linked with a kqueue is compiled as for the systems that
 * have one: without this call, or with one of theirs that is made of it. */
extern int kqueue(void) __attribute__((weak));
extern bool sim_sends(void) __attribute__((weak));

static int failure;
static unsigned before, left;

bool raw_sendfile_fails(enum raw_sendfile_failure how, unsigned after,
                        unsigned times)
{
    static const int codes[] = {
        [RAW_SENDFILE_INVALID] = EINVAL,
        [RAW_SENDFILE_MISSING] = ENOSYS,
        [RAW_SENDFILE_IO] = EIO,
    };

    if (kqueue && !(sim_sends && sim_sends()))
        return false;
    failure = codes[how];
    before = after;
    left = times;
    failed = 0;
    return true;
}

static ssize_t send_or_fail(const char *name, int to, int file, void *offset,
                            size_t size)
{
    union {
        void *pointer;
        ssize_t (*fn)(int, int, void *, size_t);
    } next;

    if (left > 0 && before == 0) {
        left--;
        failed++;
        errno = failure;
        return -1;
    }
    if (left > 0)
        before--;
    next.pointer = dlsym(RTLD_NEXT, name);
    return next.fn(to, file, offset, size);
}

ssize_t sendfile(int to, int file, void *offset, size_t size);
ssize_t sendfile64(int to, int file, void *offset, size_t size);

ssize_t sendfile(int to, int file, void *offset, size_t size)
{
    return send_or_fail("sendfile", to, file, offset, size);
}

/* its other name, where files may be larger than a long says */
ssize_t sendfile64(int to, int file, void *offset, size_t size)
{
    return send_or_fail("sendfile64", to, file, offset, size);
}

#else

bool raw_sendfile_fails(enum raw_sendfile_failure how, unsigned after,
                        unsigned times)
{
    (void)how;
    (void)after;
    (void)times;
    return false;
}

#endif
