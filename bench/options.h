/* options.h - the command lines of all programs here. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

/* An option: a number, a text or a flag, whichever has a place to go to. */
struct option {
    const char *name; /* "--size" */
    long *number;     /* from `least` to `most` */
    long least, most;
    const char **text; /* not empty */
    bool *flag;        /* without a value */
};

/* Reads options until the first word that does not begin with "--". Exactly
 * `words` words must follow. Anything else prints the usage and exits with 2;
 * --help prints it and exits with 0. `options` ends with one without a name.
 * Returns the index of the first word. */
int options_read(int argc, char **argv, const struct option *options, int words,
                 const char *usage);

/* A number from `least` to `most` and nothing else, or false. */
bool options_number(const char *text, long least, long most, long *number);

/* Prints the usage of a program and exits with 2. */
_Noreturn void options_wrong(const char *program, const char *usage);

/* As many descriptors as the system lets this process have. */
void options_raise_descriptor_limit(void);

#endif
