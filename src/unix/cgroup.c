/* cgroup.c - limits that control groups set for this process: Linux. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "unix/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MOST = 1024, ROW_MOST = PATH_MOST + 256 };

bool cgroup_read(const char *hierarchy, const char *group, const char *file,
                 char line[CGROUP_LINE])
{
    char path[PATH_MOST];
    int size = snprintf(path, sizeof path, "/sys/fs/cgroup%s%s/%s", hierarchy,
                        group, file);
    FILE *opened =
        size > 0 && (size_t)size < sizeof path ? fopen(path, "re") : NULL;
    bool got = opened && fgets(line, CGROUP_LINE, opened);
    if (opened)
        fclose(opened);
    return got;
}

int64_t cgroup_smaller(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* A group has no more than those above it. */
static int64_t cgroup_of_path(char *group, int64_t (*of)(const char *group))
{
    int64_t least = of(group);
    for (;;) {
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
        least = cgroup_smaller(least, of(group));
    }
}

/* Is it in a list such as "cpu,cpuacct"? */
static bool cgroup_controls(const char *list, const char *controller)
{
    size_t size = strlen(controller);
    for (;;) {
        if (strncmp(list, controller, size) == 0 &&
            (list[size] == ',' || !list[size]))
            return true;
        list = strchr(list, ',');
        if (!list)
            return false;
        list++;
    }
}

/* Lines as "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1). */
static int64_t cgroup_of_line(char *line, const struct cgroup_limit *limit)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return 0;
    *path++ = '\0';
    controllers++;
    path[strcspn(path, "\n")] = '\0';
    if (!*controllers)
        return cgroup_of_path(path, limit->newer);
    return cgroup_controls(controllers, limit->controller)
               ? cgroup_of_path(path, limit->older)
               : 0;
}

int64_t cgroup_least(const struct cgroup_limit *limit)
{
    char line[ROW_MOST];
    int64_t least = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        least = cgroup_smaller(least, cgroup_of_line(line, limit));
    fclose(file);
    return least;
}
#endif
