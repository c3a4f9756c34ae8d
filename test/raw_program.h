/* raw_program.h - another program, run beside the test.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_PROGRAM_H
#define RONDO_TEST_RAW_PROGRAM_H

#include "raw.h"

struct raw_program;

/* argv ends with NULL, argv[0] is the program's path. What it prints, errors
 * too, is kept. NULL: cannot be started. */
struct raw_program *raw_program_start(const char *const *argv);
/* Waits until it has printed that: the text behind it, as far as it is known,
 * or NULL: it ended or the time ran out. */
const char *raw_program_says(struct raw_program *p, const char *what,
                             int timeout_ms);
/* All that it has printed so far. */
const char *raw_program_output(const struct raw_program *p);
/* On Windows SIGINT alone, by the console. 0, or -1. */
int raw_program_signal(struct raw_program *p, int signum);
/* Waits for its end and frees p: its exit code, 256 + the signal that killed
 * it, or -1: it had to be ended. */
int raw_program_end(struct raw_program *p, int timeout_ms);

#endif
