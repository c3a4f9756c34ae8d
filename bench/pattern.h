/* pattern.h - the bytes of a file, and of a message in memory: each is the low
 * byte of its position, so that a wrong one shows. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { PATTERN_PERIOD = 256, PATTERN_SIZE = 65536 };

/* Fills `bytes`, which begin at a multiple of the period. */
static inline void pattern_fill(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)i;
    }
}

/* Whether the bytes are those from `position` on; `pattern` has one of
 * PATTERN_SIZE and a period more. */
static inline bool pattern_matches(const char *pattern, const char *bytes,
                                   size_t size, size_t position)
{
    while (size > 0) {
        size_t piece = size < PATTERN_SIZE ? size : PATTERN_SIZE;
        if (memcmp(bytes, pattern + position % PATTERN_PERIOD, piece) != 0) {
            return false;
        }
        bytes += piece;
        size -= piece;
        position += piece;
    }
    return true;
}

#endif
