/* signal_told.c - a signal handler that writes down what it is told. */
/* SPDX-License-Identifier: MIT */
#include "signal_told.h"

void told_dispose(struct world *w, int signum, enum raw_disposition what)
{
    if (!raw_signal_dispose(signum, what))
        test_skip(w, "signals have no dispositions on this system");
}

struct told *told_new(struct world *w, int kinds)
{
    struct told *t = test_alloc(w, sizeof *t);

    t->w = w;
    t->loop = w->loop;
    t->kinds = raw_signals(t->numbers, MOST_SIGNALS);
    if (t->kinds < kinds)
        test_skip(w, raw_signals_reason());
    return t;
}

struct told *told_of(struct world *w, int kinds)
{
    struct told *t = told_new(w, kinds);

    told_add_all(t);
    return t;
}

struct told *told_more(struct told *t, rondo_loop *loop)
{
    struct told *more = test_alloc(t->w, sizeof *more);

    *more = (struct told){.w = t->w, .loop = loop, .kinds = t->kinds};
    memcpy(more->numbers, t->numbers, sizeof t->numbers);
    return more;
}

void told_fn(rondo_loop *loop, int signum, void *arg)
{
    struct told *t = arg;

    assert_ptr_equal(loop, t->loop);
    assert_false(t->inside);
    if (t->calls < MOST_ORDER)
        t->order[t->calls] = signum;
    t->calls++;
    for (int i = 0; i < t->kinds; i++)
        t->each[i] += t->numbers[i] == signum;
    if (t->act)
        t->act(t, signum);
}

void told_add(struct told *t, int signum)
{
    assert_ok(rondo_add_signal_handler(t->loop, signum, told_fn, t));
}

void told_add_all(struct told *t)
{
    for (int i = 0; i < t->kinds; i++)
        told_add(t, t->numbers[i]);
}

void told_send_all(struct told *t)
{
    for (int i = 0; i < t->kinds; i++)
        told_send(t, t->numbers[i]);
}

void told_remove(struct told *t, int signum, enum raw_disposition left)
{
    assert_int_equal(rondo_remove_signal_handler(t->loop, signum), 1);
    assert_int_equal(raw_signal_disposition(signum), left);
}

void told_send(struct told *t, int signum)
{
    t->inside = true;
    assert_int_equal(raw_signal_send(signum), 0);
    t->inside = false;
}
