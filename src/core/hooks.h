/* hooks.h - callbacks before and after each wait, and when all is idle. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_HOOKS_H
#define RONDO_CORE_HOOKS_H

#include "core/loop.h"

/* Calls the hooks with this bit of enum rondo_hook_when, in the order in which
 * they were added. For a loop that has any hook. */
COLD void hooks_run(rondo_loop *loop, unsigned when);
/* Tells whether a hook has this bit. */
bool hooks_have(const rondo_loop *loop, unsigned when);
/* The arg of a HANDLE_HOOK. */
void *hooks_arg(const struct handle *handle);

#endif
