/* pairs.h - which pairs a campaign has met, cannot meet, or has not met yet. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_PAIRS_H
#define RONDO_SIM_PAIRS_H

#include <stdbool.h>
#include <stdio.h>

struct pairs {
    unsigned met, impossible, unmet;
    unsigned wrong; /* met, though the table says that they cannot be */
};

/* Why no program can meet it; NULL: one can. */
const char *pairs_impossible(const char *a, const char *b);
/* tells: prints what has not been met. */
void pairs_count(struct pairs *p, unsigned met, const char *a, const char *b,
                 bool tells);
void pairs_print(const struct pairs *p, const char *what);

#endif
