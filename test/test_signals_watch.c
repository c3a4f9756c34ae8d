/* test_signals_watch.c - signals counted, once only, and watched twice. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_log.h"
#include "signal_told.h"

struct watch {
    struct told *t;
    struct log *log;
    int number;
    rondo_id id;
    unsigned calls, count; /* count: of all calls together */
    void (*act)(struct watch *x);
    struct watch *victim;
};

static void counted(rondo_loop *loop, int signum, unsigned count, void *arg)
{
    struct watch *x = arg;

    assert_ptr_equal(loop, x->t->loop);
    assert_int_equal(signum, x->t->numbers[0]);
    assert_false(x->t->inside);
    assert_true(count > 0);
    x->calls++;
    x->count += count;
    if (x->log)
        log_run(loop, note_new(x->log, x->number));
    if (x->act)
        x->act(x);
}

static struct watch *watch(struct told *t, unsigned flags)
{
    struct watch *x = test_alloc(t->w, sizeof *x);

    x->t = t;
    x->id = rondo_watch_signal(t->loop, t->numbers[0], flags, counted, x);
    assert_true(x->id > 0);
    return x;
}

static struct watch *logged(struct log *log, struct told *t, int number)
{
    struct watch *x = watch(t, 0);

    x->log = log;
    x->number = number;
    return x;
}

static void end(struct watch *x)
{
    assert_int_equal(rondo_cancel(x->t->loop, x->id), 0);
}

static unsigned send_many(struct told *t)
{
    unsigned many = raw_signals_are_quick() ? 1000 : 10;

    for (unsigned i = 0; i < many; i++)
        told_send(t, t->numbers[0]);
    return many;
}

/* ---- K4 ------------------------------------------------------------------- */

TEST(K4_each_that_has_arrived_is_counted)
{
    struct told *t = told_new(w, 1);
    struct watch *x = watch(t, 0);
    uint64_t callbacks = test_metrics(w).callbacks;
    unsigned sent = send_many(t);

    test_run_until(w, x->calls);
    test_spin(w, 3);
    assert_int_equal(x->calls, 1);
    assert_true(test_metrics(w).callbacks == callbacks + 1);
    assert_int_equal(x->count, sent);
    told_send(t, t->numbers[0]);
    test_run_until(w, x->calls == 2);
    assert_int_equal(x->count, sent + 1);
    end(x);
}

TEST(K4_several_watches_and_a_handler_in_the_order_added)
{
    struct told *t = told_new(w, 1);
    struct log *log = log_new(w);
    struct watch *a = logged(log, t, 1);
    struct watch *b, *c;

    told_add(t, t->numbers[0]);
    b = logged(log, t, 2);
    c = logged(log, t, 3);
    told_send(t, t->numbers[0]);
    test_run_until(w, log->count == 3);
    LOG_CHECK(log, 1, 2, 3);
    assert_int_equal(t->calls, 1);
    end(b);
    told_send(t, t->numbers[0]);
    test_run_until(w, log->count == 5);
    LOG_CHECK(log, 1, 2, 3, 1, 3);
    assert_int_equal(t->calls, 2);
    told_add(t, t->numbers[0]); /* replaces the handler, and no watch */
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 1);
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, log->count == 7);
    assert_int_equal(t->calls, 2);
    end(a);
    end(c);
}

static void adds_another(struct watch *x)
{
    if (x->calls == 1)
        x->victim = watch(x->t, 0);
}

TEST(K4_added_before_others_are_told_it_waits_for_the_next)
{
    struct told *t = told_new(w, 1);
    struct watch *a = watch(t, 0), *b = watch(t, 0);

    a->act = adds_another;
    told_send(t, t->numbers[0]);
    test_run_until(w, b->calls);
    test_spin(w, 3);
    assert_int_equal(a->victim->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, b->calls == 2);
    assert_int_equal(a->victim->calls, 1);
    assert_int_equal(a->victim->count, 1);
    end(a);
    end(b);
    end(a->victim);
}

static void sends_again(struct watch *x)
{
    if (x->calls == 1) {
        assert_int_equal(rondo_cancel(x->t->loop, x->id), RONDO_ENOENT);
        x->victim = watch(x->t, 0); /* not told of the one that is told now */
    }
}

TEST(K4_once_only)
{
    struct told *t = told_new(w, 1);
    struct watch *keeps = watch(t, 0);
    struct watch *x = watch(t, RONDO_SIGNAL_ONCE);

    x->act = sends_again;
    told_send(t, t->numbers[0]);
    test_run_until(w, x->calls);
    test_spin(w, 3);
    assert_int_equal(x->victim->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, x->victim->calls);
    assert_int_equal(x->calls, 1);
    assert_int_equal(keeps->calls, 2);
    end(x->victim);
    end(keeps);
}

static void looks_at_the_disposition(struct watch *x)
{
    if (raw_signal_disposition(x->t->numbers[0]) == RAW_OTHER)
        test_fail(x->t->w, "the disposition is not restored yet");
}

TEST(K4_once_only_gives_the_disposition_back_first)
{
    struct told *t = told_new(w, 1);
    struct watch *x;

    told_dispose(w, t->numbers[0], RAW_IGNORED);
    x = watch(t, RONDO_SIGNAL_ONCE);
    x->act = looks_at_the_disposition;
    told_send(t, t->numbers[0]);
    test_run_until(w, x->calls);
    assert_int_equal(raw_signal_disposition(t->numbers[0]), RAW_IGNORED);
    (void)raw_signal_dispose(t->numbers[0], RAW_DEFAULT);
}

static void ends_it(struct watch *x)
{
    end(x->victim);
    x->act = NULL;
}

TEST(K4_ended_inside_a_watch)
{
    struct told *t = told_new(w, 1);
    struct watch *a = watch(t, 0);
    struct watch *b = watch(t, 0);
    struct watch *c = watch(t, 0);

    a->act = ends_it;
    a->victim = b;
    c->act = ends_it;
    c->victim = c;
    told_send(t, t->numbers[0]);
    test_run_until(w, c->calls);
    told_send(t, t->numbers[0]);
    test_run_until(w, a->calls == 2);
    assert_int_equal(b->calls, 0);
    assert_int_equal(c->calls, 1);
    end(a);
}

TEST(K4_what_came_before_the_end_is_dropped)
{
    struct told *t = told_new(w, 1);
    struct watch *x = watch(t, 0), *next;

    told_send(t, t->numbers[0]);
    end(x);
    next = watch(t, 0);
    test_spin(w, 3);
    assert_int_equal(x->calls + next->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, next->calls);
    assert_int_equal(next->count, 1);
    end(next);
}

TEST(K4_a_watch_is_background_unless_it_is_told_otherwise)
{
    struct told *t = told_new(w, 1);
    struct watch *x = watch(t, RONDO_SIGNAL_ONCE);

    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(rondo_set_background(w->loop, x->id, false), 0);
    told_send(t, t->numbers[0]);
    assert_int_equal(rondo_loop_run(w->loop), 0); /* ends with the watch */
    assert_int_equal(x->calls, 1);
}

static void released(rondo_loop *loop, void *arg)
{
    (void)loop;
    ((struct watch *)arg)->number++;
}

TEST(K4_released_when_it_is_cancelled_or_dropped)
{
    struct told *t = told_new(w, 1);
    struct watch *ran = watch(t, RONDO_SIGNAL_ONCE);
    struct watch *cancelled = watch(t, 0);
    struct watch *dropped = watch(t, 0);

    assert_int_equal(rondo_set_release(w->loop, ran->id, released), 0);
    assert_int_equal(rondo_set_release(w->loop, cancelled->id, released), 0);
    assert_int_equal(rondo_set_release(w->loop, dropped->id, released), 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, ran->calls);
    end(cancelled);
    test_run_loop(w);
    assert_int_equal(ran->number, 0);
    assert_int_equal(cancelled->number, 1);
    assert_int_equal(dropped->number, 0);
    test_close_loop(w);
    assert_int_equal(ran->number, 0);
    assert_int_equal(dropped->number, 1);
}

TEST(K4_wrong_calls_are_refused)
{
    struct told *t = told_new(w, 1);
    struct watch *x = watch(t, 0);
    int number = t->numbers[0];

    assert_int_equal(rondo_watch_signal(w->loop, number, 0, NULL, x),
                     RONDO_EINVAL);
    assert_int_equal(rondo_watch_signal(w->loop, number, 2, counted, x),
                     RONDO_EINVAL);
    assert_int_equal(rondo_watch_signal(w->loop, 0, 0, counted, x),
                     RONDO_EINVAL);
    assert_int_equal(rondo_watch_signal(w->loop, 4000, 0, counted, x),
                     RONDO_EINVAL);
    assert_int_equal(rondo_watch_signal(NULL, number, 0, counted, x),
                     RONDO_EINVAL);
    end(x);
}

TEST(K4_out_of_memory_nothing_is_watched)
{
    struct told *t = told_new(w, 1);
    enum raw_disposition before = raw_signal_disposition(t->numbers[0]);

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct watch x = {.t = t};
        rondo_id id =
            rondo_watch_signal(w->loop, t->numbers[0], 0, counted, &x);

        if (id > 0)
            assert_int_equal(rondo_cancel(w->loop, id), 0);
        else
            assert_int_equal(id, RONDO_ENOMEM);
        assert_int_equal(raw_signal_disposition(t->numbers[0]), before);
    }
}
