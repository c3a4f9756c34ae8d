/* harness_log.c - callbacks that write down that they ran. */
/* SPDX-License-Identifier: MIT */
#include "harness_log.h"

struct log *log_new(struct world *w)
{
    struct log *l = test_alloc(w, sizeof *l);

    l->w = w;
    return l;
}

struct note *note_new(struct log *l, int number)
{
    struct note *n = test_alloc(l->w, sizeof *n);

    n->log = l;
    n->number = number;
    n->not_before = INT64_MIN;
    return n;
}

void log_run(rondo_loop *loop, void *arg)
{
    struct note *n = arg;
    struct log *l = n->log;
    int64_t now = rondo_loop_time(loop);

    if (now < n->not_before)
        test_fail(l->w, "%d: %lld ns early", n->number,
                  (long long)(n->not_before - now));
    assert_true(rondo_loop_iteration_time(loop) <= now);
    assert_true(rondo_loop_iteration_time(loop) >= n->not_before);
    n->fired++;
    if (n->next)
        assert_ok(rondo_call_soon(loop, log_run, n->next));
    if (l->count == LOG_MOST)
        return;
    l->iterations[l->count] = test_iterations(l->w);
    l->order[l->count++] = n->number;
}

void log_check(const struct log *l, const int *order, unsigned count)
{
    assert_int_equal(l->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(l->order[i], order[i]);
}
