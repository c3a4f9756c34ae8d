/* cores.c - how many processors a process may keep busy, and pinning: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "sys.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __linux__

enum { LINE_MOST = 512, PATH_MOST = 1024 };

/* The first line of a file; false: there is none. */
static bool cores_read(const char *path, char line[LINE_MOST])
{
    FILE *file = fopen(path, "re");
    bool got = file && fgets(line, LINE_MOST, file);
    if (file)
        fclose(file);
    return got;
}

/* quota of each period, rounded up; 0: no quota. */
static unsigned cores_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long long cores = (quota - 1) / period + 1;
    return cores > INT_MAX ? 0 : (unsigned)cores;
}

/* Version 2: "QUOTA PERIOD", or "max PERIOD". */
static unsigned cores_of_group(const char *group)
{
    char path[PATH_MOST], line[LINE_MOST];
    long long quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    if (!cores_read(path, line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2)
        return 0;
    return cores_of_quota(quota, period);
}

/* Version 1 has a file for each number. */
static unsigned cores_of_old_group(const char *group)
{
    char path[PATH_MOST], quota[LINE_MOST], period[LINE_MOST];
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", group);
    if (!cores_read(path, quota))
        return 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us",
             group);
    if (!cores_read(path, period))
        return 0;
    return cores_of_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static unsigned cores_least(unsigned a, unsigned b)
{
    return !a || (b && b < a) ? b : a;
}

/* A group has no more than those above it. */
static unsigned cores_of_path(char *group, unsigned (*of)(const char *group))
{
    unsigned least = of(group);
    for (;;) {
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
        least = cores_least(least, of(group));
    }
}

/* Lines as "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1). */
static unsigned cores_of_line(char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return 0;
    *path++ = '\0';
    controllers++;
    path[strcspn(path, "\n")] = '\0';
    if (!*controllers)
        return cores_of_path(path, cores_of_group);
    bool cpu = strcmp(controllers, "cpu") == 0 ||
               strncmp(controllers, "cpu,", 4) == 0 ||
               strstr(controllers, ",cpu,");
    return cpu ? cores_of_path(path, cores_of_old_group) : 0;
}

/* 0: no quota. */
static unsigned cores_of_quotas(void)
{
    char line[LINE_MOST];
    unsigned least = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        least = cores_least(least, cores_of_line(line));
    fclose(file);
    return least;
}

unsigned sys_cores_usable(void)
{
    unsigned cores = sys_cores(), quota = cores_of_quotas();
    return quota && quota < cores ? quota : cores;
}

int sys_thread_pin(unsigned index)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return error_from_os(errno);
    unsigned left = index % (unsigned)CPU_COUNT(&allowed);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &allowed) || left--)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) ? error_from_os(errno) : 0;
}

#else

unsigned sys_cores_usable(void)
{
    return sys_cores();
}

int sys_thread_pin(unsigned index)
{
    (void)index;
    error_no_os();
    return RONDO_ENOTSUP;
}

#endif
#endif
