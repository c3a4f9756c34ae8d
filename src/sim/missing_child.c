/* missing_child.c - no watched paths: RONDO_ENOTSUP. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include "base/error.h"
#include "core/notify.h"

#include <errno.h>

static int missing(void)
{
    return sim_fail(EOPNOTSUPP);
}

/* ---- watched paths ---- */

const struct notify_traits notify_traits = {.name = NULL};

int notify_open(struct notifier **made, notify_fn tell)
{
    (void)tell;
    *made = NULL;
    return error_set(RONDO_ENOTSUP, "a simulated host has no files");
}

void notify_close(struct notifier *n)
{
    (void)n;
    (void)missing();
}

void notify_forked(struct notifier *n)
{
    (void)n;
    (void)missing();
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    (void)n;
    (void)path;
    (void)kind;
    (void)owner;
    (void)mark;
    return missing();
}

void notify_remove(struct notifier *n, struct notify_mark *mark)
{
    (void)n;
    (void)mark;
    (void)missing();
}

const char *notify_limit(int error)
{
    (void)error;
    return "no limit";
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    (void)n;
    (void)timeout_ns;
    (void)missing();
}

void notify_wake(struct notifier *n)
{
    (void)n;
    (void)missing();
}

int notify_stat(const char *path, bool follow, rondo_file_info *info)
{
    (void)path;
    (void)follow;
    (void)info;
    return missing();
}

int notify_list(const char *path,
                bool (*fn)(void *arg, const char *name, uint64_t number),
                void *arg)
{
    (void)path;
    (void)fn;
    (void)arg;
    return missing();
}

int notify_absolute(const char *path, char *text, size_t room)
{
    (void)path;
    (void)text;
    (void)room;
    return missing();
}
#endif
