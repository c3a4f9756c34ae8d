/* part.h - the parts above the core, as far as the core knows them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_PART_H
#define RONDO_CORE_PART_H

#include "core/loop.h"

/* A module above the core that keeps state in every loop, such as look-ups or
 * the executor. The core calls its hooks; a hook that is NULL is skipped. Each
 * hook is called for all parts in the order of enum loop_part_id. parts.c lists
 * the parts, so the core includes nothing above itself. */
struct loop_part {
    /* The size of its state in a loop: zeroed before open, freed with the loop
     * by the core. loop_part_state returns it. 0: there is nothing there. */
    size_t size;
    /* rondo_loop_new, before there is a loop: refuses impossible options.
     * Returns 0, or an error with a sentence that begins with `what`. */
    int (*check)(const rondo_loop_options *options, const char *what);
    /* rondo_loop_new. Returns 0, or an error with a sentence, which ends
     * rondo_loop_new; close is called for all parts then, too. */
    int (*open)(rondo_loop *loop, const rondo_loop_options *options);
    /* rondo_loop_close: close_grace_ns is over. Abandons what threads still
     * run, and closes the handles of it. May be called more than once. */
    void (*expire)(rondo_loop *loop);
    /* rondo_loop_close: no handle is left. Frees what the state points at. */
    void (*close)(rondo_loop *loop);
    /* rondo_loop_after_fork: no thread of the part exists in this process. Its
     * pool's lock may be held for ever, so the pool's memory is left alone. */
    void (*after_fork)(rondo_loop *loop);
    /* rondo_loop_get_metrics: adds its own counts. */
    void (*count)(const rondo_loop *loop, rondo_loop_metrics *metrics);
    /* loop->observed has changed: no fast path may pass it by. */
    void (*observed)(rondo_loop *loop);
    /* io_unsent, of a descriptor of the part's. Runs no code of the program's. */
    void (*unsent)(rondo_loop *loop, struct io *io,
                   const struct sys_outgoing *rest, int error);
};

extern const struct loop_part *const loop_parts[LOOP_PARTS];

static inline void *loop_part_state(const rondo_loop *loop,
                                    enum loop_part_id part)
{
    return loop->part[part];
}

#endif
