/* file_serve.h - what the file servers have in common: a file. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_FILE_SERVE_H
#define BENCH_FILE_SERVE_H

#include "pattern.h"
#include "serve.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* One of serve->size bytes, without a name. */
static inline int file_make(const struct serve *serve)
{
    char path[] = "/tmp/rondo-bench-XXXXXX", bytes[4096]; /* pattern.h */
    int file = mkstemp(path);
    if (file < 0 || unlink(path) < 0 || fcntl(file, F_SETFD, FD_CLOEXEC) < 0) {
        serve_die("mkstemp");
    }
    pattern_fill(bytes, sizeof bytes);
    for (size_t at = 0; at < serve->size;) {
        size_t left = serve->size - at;
        ssize_t n =
            write(file, bytes, left < sizeof bytes ? left : sizeof bytes);
        if (n <= 0) {
            serve_die("write");
        }
        at += (size_t)n;
    }
    return file;
}

/* The same bytes in memory. */
static inline char *file_in_memory(const struct serve *serve)
{
    char *bytes = malloc(serve->size);
    if (!bytes) {
        serve_die("malloc");
    }
    pattern_fill(bytes, serve->size);
    return bytes;
}

#endif
