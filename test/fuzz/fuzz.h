/* fuzz.h - what the fuzz targets share: the input, taken piece by piece. */
/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_H
#define FUZZ_H

#include <rondo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) fuzz_check(condition, #condition, __FILE__, __LINE__)

static inline void fuzz_check(bool holds, const char *what, const char *file,
                              int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", file, line, what,
            rondo_last_error());
    abort();
}

struct input {
    const uint8_t *bytes;
    size_t size;
};

/* 0 behind the end. */
static inline unsigned input_byte(struct input *in)
{
    if (!in->size)
        return 0;
    in->size--;
    return *in->bytes++;
}

/* From 0 to most, which is 65,535 at most. */
static inline size_t input_number(struct input *in, size_t most)
{
    size_t high = input_byte(in);
    return (high << 8 | input_byte(in)) % (most + 1);
}

/* Up to most bytes; their number in *size. */
static inline const uint8_t *input_take(struct input *in, size_t most,
                                        size_t *size)
{
    const uint8_t *bytes = in->bytes;
    *size = most < in->size ? most : in->size;
    in->bytes += *size;
    in->size -= *size;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
