/* raw_machine.h - a network and control groups that a test may change.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_MACHINE_H
#define RONDO_TEST_RAW_MACHINE_H

#include "raw.h"

/* From here on this thread sees a network of its own, which has one interface:
 * a loopback that is turned off and has no address. Unix: a network namespace;
 * Windows: the functions of iphlpapi are replaced. false: that is not permitted
 * here. */
bool raw_network_begin(void);
void raw_network_end(void); /* the machine's again; harmless without a begin */
void raw_network_up(bool up);
/* Adds or removes 127.0.0.number/8. */
void raw_network_address(unsigned number, bool add);
/* What Windows tells of changes comes from so many threads at once; elsewhere
 * nothing. */
void raw_network_threads(unsigned count);

/* The next lists of interfaces fail. false: cannot be done here. */
bool raw_network_fails(bool on);
/* The next lists have addresses without masks. false: as above. */
bool raw_network_lacks_masks(bool on);

/* In a child process, from here to its end: /proc/self/cgroup and
 * /sys/fs/cgroup are these files. false: not permitted here. */
struct raw_cgroup_file {
    const char *path; /* below /sys/fs/cgroup, or "" for the other one */
    const char *text;
};
bool raw_cgroup_pretend(const struct raw_cgroup_file *files, size_t count);

/* This process gets a job object with this limit of memory, in bytes, for good.
 * false: there are none, or Wine keeps the limit to itself. */
bool raw_job_limit(int64_t bytes);

/* What the system itself says. */
void raw_host_name(char *name, size_t room);

#endif
