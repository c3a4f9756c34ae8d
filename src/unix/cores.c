/* cores.c - how many processors a process may keep busy, and pinning: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "sys.h"

#include "base/error.h"
#include "unix/cgroup.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __linux__

/* quota of each period, rounded up; 0: no quota. */
static int64_t cores_of_quota(int64_t quota, int64_t period)
{
    return quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;
}

/* "QUOTA PERIOD", or "max PERIOD". */
static int64_t cores_of_group(const char *group)
{
    char line[CGROUP_LINE];
    long long quota, period;
    if (!cgroup_read("", group, "cpu.max", line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2)
        return 0;
    return cores_of_quota(quota, period);
}

/* Version 1 has a file for each number. */
static int64_t cores_of_old_group(const char *group)
{
    char quota[CGROUP_LINE], period[CGROUP_LINE];
    if (!cgroup_read("/cpu", group, "cpu.cfs_quota_us", quota) ||
        !cgroup_read("/cpu", group, "cpu.cfs_period_us", period))
        return 0;
    return cores_of_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

unsigned sys_cores_usable(void)
{
    static const struct cgroup_limit limit = {"cpu", cores_of_old_group,
                                              cores_of_group};
    unsigned cores = sys_cores();
    int64_t quota = cgroup_least(&limit);
    return quota && quota < cores ? (unsigned)quota : cores;
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
