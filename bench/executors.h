/* executors.h - what each contestant of the job benchmark can do. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_EXECUTORS_H
#define BENCH_EXECUTORS_H

#include <stddef.h>

struct executor {
    const char *name;
    void (*open)(void);
    void (*close)(void);
    /* Does that many jobs that do nothing, so many of them at a time; the next
     * is asked for when one has ended. */
    void (*run)(size_t jobs, size_t at_a_time);
};

extern const struct executor executor_rondo, executor_uv;

#endif
