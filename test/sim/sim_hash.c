/* sim_hash.c - prints what runs of the random program were, to be compared. */
/* SPDX-License-Identifier: MIT */
#include "random_program.h"

#include <stdio.h>
#include <stdlib.h>

/* sim_hash [SEEDS]: a line for each seed, backend, and with or without faults. */
int main(int argc, char **argv)
{
    static const char *const backends[] = {"ready", "done"};
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    for (unsigned i = 0; i < 4 * seeds; i++) {
        struct random_run run;
        const char *backend = backends[i % 2];
        int failed = random_program(i / 4 + 1, backend, i / 2 % 2, NULL, &run);
        printf("%u %s %s: %d %016llx %llu\n", i / 4 + 1, backend,
               i / 2 % 2 ? "faults" : "none", failed,
               (unsigned long long)run.hash, (unsigned long long)run.events);
    }
    return 0;
}
