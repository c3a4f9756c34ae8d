/* bits.h - the lowest and the highest bit of a word. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BITS_H
#define RONDO_CORE_BITS_H

#include <assert.h>
#include <stdint.h>

static inline unsigned bits_lowest(uint64_t bits)
{
    assert(bits);
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned bit = 0;
    while (!(bits >> bit & 1))
        bit++;
    return bit;
#endif
}

static inline unsigned bits_highest(uint64_t bits)
{
    assert(bits);
#if defined(__GNUC__)
    return 63U - (unsigned)__builtin_clzll(bits);
#else
    unsigned bit = 63;
    while (!(bits >> bit & 1))
        bit--;
    return bit;
#endif
}

#endif
