/* spawn.h - what spawn.c measures, and each library provides. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPAWN_H
#define BENCH_SPAWN_H

#include <stddef.h>

struct spawn {
    const char *name;
    void (*open)(void);
    void (*close)(void);
    /* Runs the program to its end, that many times, one after another. */
    void (*run)(char **argv, size_t times);
};

extern const struct spawn spawn_raw, spawn_rondo, spawn_uv;

#endif
