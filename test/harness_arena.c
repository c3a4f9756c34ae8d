/* harness_arena.c - what lives as long as the test that asked for it. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

union chunk {
    union chunk *next;
    max_align_t align;
};

void *test_alloc(struct world *w, size_t size)
{
    union chunk *c = calloc(1, sizeof *c + size);

    if (!c)
        test_fail(w, "test_alloc: no memory");
    c->next = w->arena;
    w->arena = c;
    return c + 1;
}

const char *test_format(struct world *w, const char *format, ...)
{
    char *text = test_alloc(w, 256);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, 256, format, args);
    va_end(args);
    return text;
}

void arena_free(struct world *w)
{
    union chunk *c = w->arena;

    while (c) {
        union chunk *next = c->next;

        free(c);
        c = next;
    }
    w->arena = NULL;
}
