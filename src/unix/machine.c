/* machine.c - random bytes, the host's name, the memory limit: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "base/error.h"
#include "unix/cgroup.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* ---- random bytes ---- */

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)

int sys_random(void *data, size_t size)
{
    arc4random_buf(data, size); /* cannot fail */
    return 0;
}

#else

/* Linux before 3.17, and other systems. */
static int machine_read_random(void *data, size_t size)
{
    char *to = data;
    int fd = unix_keep(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return unix_fail();
    while (size) {
        ssize_t got = read(fd, to, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int error = error_from_os(got ? errno : EIO);
            sys_close(fd);
            return error;
        }
        to += got;
        size -= (size_t)got;
    }
    sys_close(fd);
    return 0;
}

#if defined(__linux__) && defined(SYS_getrandom)

/* By syscall: glibc has it since 2.25. */
int sys_random(void *data, size_t size)
{
    char *to = data;
    while (size) {
        long got = syscall(SYS_getrandom, to, size, 0U);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) /* an old kernel, or a filter that forbids it */
            return machine_read_random(to, size);
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

#else

int sys_random(void *data, size_t size)
{
    return machine_read_random(data, size);
}

#endif
#endif

/* ---- the host ---- */

int sys_host_name(char *name, size_t room)
{
    char text[1024]; /* the longest of all systems is 256 */
    if (gethostname(text, sizeof text) < 0)
        return unix_fail();
    text[sizeof text - 1] = '\0'; /* a name that is cut may lack it */
    size_t size = strlen(text);
    if (size >= room) {
        error_no_os();
        return RONDO_ETOOMUCH;
    }
    memcpy(name, text, size + 1);
    return (int)size;
}

/* ---- memory ---- */

#ifdef __linux__

/* "max", or bytes. */
static int64_t machine_memory(const char *hierarchy, const char *group,
                              const char *file)
{
    char line[CGROUP_LINE];
    if (!cgroup_read(hierarchy, group, file, line))
        return 0;
    long long bytes = strtoll(line, NULL, 10);
    return bytes > 0 ? bytes : 0;
}

/* Above `high` the kernel slows the process down until it has given back. */
static int64_t machine_memory_of_group(const char *group)
{
    return cgroup_smaller(machine_memory("", group, "memory.max"),
                          machine_memory("", group, "memory.high"));
}

static int64_t machine_memory_of_old_group(const char *group)
{
    return machine_memory("/memory", group, "memory.limit_in_bytes");
}

int64_t sys_memory_limit(void)
{
    /* Version 1 writes "no limit" as LONG_MAX in whole pages. */
    const int64_t none = INT64_MAX - (INT64_C(1) << 20);
    static const struct cgroup_limit limit = {
        "memory", machine_memory_of_old_group, machine_memory_of_group};
    int64_t bytes = cgroup_least(&limit);
    return bytes && bytes < none ? bytes : INT64_MAX;
}

#else

int64_t sys_memory_limit(void)
{
    error_no_os();
    return RONDO_ENOTSUP;
}

#endif
#endif
