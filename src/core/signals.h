/* signals.h - signals of the process, for the loops that watch them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_SIGNALS_H
#define RONDO_CORE_SIGNALS_H

#include "core/loop.h"

/* All functions here are for the loop's thread. */

/* A function in the library that runs on the loop when a signal has arrived.
 * Several hooks may watch one signal, and the program may handle it, too. The
 * hook lies inside something of the caller's, who keeps it until it is
 * removed. */
struct signal_hook {
    struct signal_hook *next;
    uint64_t round; /* of the walk in which it was added, and is not called */
    int signum;     /* set by the caller, as fn */
    /* From the loop, with how many have arrived. May remove itself and any other
     * hook, and may free them. */
    void (*fn)(rondo_loop *loop, struct signal_hook *hook, unsigned count);
};

/* Watches hook->signum. Returns 0, or an error with a sentence that names the
 * signal: RONDO_EINVAL, RONDO_ENOTSUP (the system lets no one catch it),
 * RONDO_ENOMEM. */
int signal_hook_add(rondo_loop *loop, struct signal_hook *hook);
/* Stops watching. The last hook of the process for a signal gives back to the
 * system what was there before the first. */
void signal_hook_remove(rondo_loop *loop, struct signal_hook *hook);

/* The arg of a HANDLE_SIGNAL, a handler of the program's. */
void *signals_arg(const struct handle *handle);

/* Calls the hooks of all signals that have arrived: the loop does that after an
 * iteration in which LOOP_SIGNALS was requested. */
void signals_run(rondo_loop *loop);

/* The loop is closed and no hook is left: takes it out of the process's list.
 * Waits for a signal handler that may just be looking at it. */
void signals_close(rondo_loop *loop);

#endif
