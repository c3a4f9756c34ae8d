/* measure.h - clocks, a fixed sequence of random numbers, medians. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

enum { ROUNDS_MOST = 50 };

extern int rounds; /* --rounds: 5, unless told */

/* Reads the command line of a program that takes [--rounds N] alone; a wrong
 * one exits with 2. */
void measure_options(int argc, char **argv);

/* CPU time of this thread, and of the whole process, in ns. */
int64_t measure_thread_ns(void);
int64_t measure_process_ns(void);

/* Sleeps for that long at least. */
void measure_sleep(int64_t ns);

/* The next number of the sequence; every run of the program sees the same. */
uint64_t measure_random(uint64_t *state);

/* One operation of one contestant, in all rounds: ns for each. */
struct figure {
    double ns[ROUNDS_MOST];
};

/* Prints "contestant operation median best worst". */
void measure_print(const char *contestant, const char *operation,
                   const struct figure *figure);

/* Allocates for the whole life of the program, or exits. */
void *measure_allocate(size_t count, size_t size);

/* Two ends of a TCP connection, or exits. */
void measure_connect(int fds[2]);

/* Says what failed and exits. */
_Noreturn void measure_die(const char *what);

#endif
