/* child_sigchld.c - child watcher "sigchld": asks when SIGCHLD arrives. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix_child.h"

#include "core/signals.h"

#include <assert.h>
#include <signal.h>

struct sigchld {
    struct signal_hook hook;
    struct child *child;
};

/* One SIGCHLD may stand for many children, also for those of the program. So
 * each child of this library is asked about, and no other. */
static void child_sigchld_arrived(rondo_loop *loop, struct signal_hook *hook,
                                  unsigned count)
{
    const struct sigchld *w = (const struct sigchld *)(const void *)hook;
    (void)loop;
    (void)count;
    assert(w->child && w->child->watch == w);
    (void)child_check(w->child);
}

static int child_sigchld_watch(struct child *child)
{
    struct sigchld *w = loop_alloc(child->loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    *w = (struct sigchld){
        .hook = {.signum = SIGCHLD, .fn = child_sigchld_arrived},
        .child = child};
    int error = signal_hook_add(child->loop, &w->hook);
    if (error) {
        loop_free(child->loop, w);
        return error;
    }
    child->watch = w;
    (void)child_check(child); /* it may have ended before the hook was there */
    return 0;
}

static void child_sigchld_unwatch(struct child *child)
{
    struct sigchld *w = child->watch;
    assert(w && w->child == child);
    signal_hook_remove(child->loop, &w->hook);
    loop_free(child->loop, w);
}

static int child_sigchld_probe(const rondo_loop *loop)
{
    (void)loop;
    return 0;
}

const struct child_watcher child_sigchld = {
    .name = "sigchld",
    .probe = child_sigchld_probe,
    .watch = child_sigchld_watch,
    .unwatch = child_sigchld_unwatch,
};
#endif
