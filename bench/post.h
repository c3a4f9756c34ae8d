/* post.h - what post.c measures, and each library provides. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_POST_H
#define BENCH_POST_H

#include <stddef.h>
#include <stdint.h>

struct post {
    const char *name;
    void (*open)(void);
    void (*close)(void);
    /* Schedules callbacks, batch at a time, and runs each batch. NULL: the
     * library has nothing of the kind. */
    void (*soon)(size_t batches, size_t batch);
    /* Sends one callback to the loop, from any thread. */
    void (*post)(void);
    /* Runs the loop until that many of them have been called. */
    void (*run)(size_t expected);
};

extern const struct post post_rondo, post_uv;

#endif
