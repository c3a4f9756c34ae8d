/* part.h - the parts of a loop above the core, as far as the core knows them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_PART_H
#define RONDO_CORE_PART_H

#include "core/loop.h"

/* What one part adds to every loop. The core calls the hooks that are not
 * NULL, each hook in the order of the list in parts.c, which alone knows all
 * the parts. */
struct loop_part {
    /* Bytes of its state, which loop_part_state returns: zeroed when the loop
     * is made, freed with the loop. 0: none. */
    size_t size;
    /* loop_new: refuses options that are not possible. */
    int (*check)(const rondo_loop_options *options, const char *what);
    /* loop_new: an error ends it. close is called in any case. */
    int (*open)(rondo_loop *loop, const rondo_loop_options *options);
    /* loop_close: close_grace_ns is over; what still runs is abandoned. */
    void (*expire)(rondo_loop *loop);
    /* loop_close: no handle is left. */
    void (*close)(rondo_loop *loop);
    /* In a forked child: the threads are the parent's. */
    void (*after_fork)(rondo_loop *loop);
    /* Adds its counts. */
    void (*count)(const rondo_loop *loop, rondo_loop_metrics *metrics);
};

/* By enum loop_part_id; defined in parts.c, as handle_classes is. */
extern const struct loop_part *const loop_parts[LOOP_PARTS];

static inline void *loop_part_state(const rondo_loop *loop,
                                    enum loop_part_id part)
{
    return loop->part[part];
}

#endif
