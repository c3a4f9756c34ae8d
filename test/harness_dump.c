/* harness_dump.c - what rondo_loop_dump tells, line by line. */
/* SPDX-License-Identifier: MIT */
#include "harness_dump.h"

static void keep_line(void *arg, const char *line, size_t size)
{
    struct dump *d = arg;

    if (size >= sizeof d->lines[0] || memchr(line, '\n', size) ||
        memchr(line, '\0', size))
        test_fail(d->w, "a line of %zu bytes is not one line", size);
    if (d->count < DUMP_KEPT)
        memcpy(d->lines[d->count], line, size);
    d->count++;
}

static struct dump *dump_by(struct world *w, const rondo_loop *loop,
                            int (*fn)(const rondo_loop *loop,
                                      rondo_line_fn line, void *arg))
{
    struct dump *d = test_alloc(w, sizeof *d);
    int lines;

    d->w = w;
    lines = fn(loop, keep_line, d);
    assert_int_equal(lines, d->count);
    return d;
}

struct dump *dump_of(struct world *w, rondo_loop *loop)
{
    return dump_by(w, loop, rondo_loop_dump);
}

struct dump *dump_explain(struct world *w)
{
    return dump_by(w, w->loop, rondo_loop_explain);
}

int dump_has(const struct dump *d, const char *begin, const char *part)
{
    int found = 0;

    for (int i = 0; i < d->count && i < DUMP_KEPT; i++)
        found += strncmp(d->lines[i], begin, strlen(begin)) == 0 &&
                 strstr(d->lines[i], part) != NULL;
    return found;
}

void dump_check(const struct dump *d, const char *kind, rondo_fd fd,
                const char *state)
{
    const char *number = test_format(d->w, " %lld,", (long long)fd);
    int found = 0;

    for (int i = 0; i < d->count && i < DUMP_KEPT; i++)
        found += strncmp(d->lines[i], kind, strlen(kind)) == 0 &&
                 strstr(d->lines[i], number) != NULL &&
                 strstr(d->lines[i], state) != NULL &&
                 strstr(d->lines[i], " s") != NULL; /* its age */
    if (found == 1)
        return;
    for (int i = 0; i < d->count && i < DUMP_KEPT; i++)
        print_error("  %s\n", d->lines[i]);
    test_fail(d->w, "%d lines for %s%s %s", found, kind, number, state);
}
