/* signals.h - signals of the process, told to the loops that ask for them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_SIGNALS_H
#define RONDO_CORE_SIGNALS_H

#include "core/loop.h"

/* For a part of the library that has to know of a signal, whether or not the
 * program handles it, too. Any number of them for one signal. */
struct signal_hook {
    struct signal_hook *next;
    int signum;
    /* From the loop; may remove itself or any other. */
    void (*fn)(rondo_loop *loop, struct signal_hook *hook);
};

/* signum and fn are set. The error's sentence names the signal. */
int signal_hook_add(rondo_loop *loop, struct signal_hook *hook);
void signal_hook_remove(rondo_loop *loop, struct signal_hook *hook);

/* Calls the hooks of what has arrived: the loop's LOOP_SIGNALS says so. */
void signals_run(rondo_loop *loop);
/* The loop is closed: the process forgets it. */
void signals_close(rondo_loop *loop);

#endif
