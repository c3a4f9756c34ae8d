/* cgroup.h - limits that control groups set for this process: Linux. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_CGROUP_H
#define RONDO_UNIX_CGROUP_H

#include "sys.h"

enum { CGROUP_LINE = 512 };

/* One kind of limit. `older` and `newer` tell what a group of version 1 or 2
 * sets: 0 is no limit. group: its path below the mounted hierarchy. */
struct cgroup_limit {
    const char *controller; /* of version 1 */
    int64_t (*older)(const char *group);
    int64_t (*newer)(const char *group);
};

/* The least limit of the groups of this process and those above them; 0: there
 * is none. */
int64_t cgroup_least(const struct cgroup_limit *limit);
/* Reads the first line of a group's file. hierarchy: "" is version 2, "/cpu"
 * one of version 1. false: there is none. */
bool cgroup_read(const char *hierarchy, const char *group, const char *file,
                 char line[CGROUP_LINE]);
int64_t cgroup_smaller(int64_t a, int64_t b); /* 0 is none */

#endif
