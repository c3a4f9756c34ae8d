/* test_hooks.c - callbacks before and after each wait, and when all is idle. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_log.h"

struct hook {
    struct log *log;
    int number;
    rondo_id id;
    unsigned calls;
    void (*act)(struct hook *h);
    struct hook *victim;
};

static void called(rondo_loop *loop, void *arg)
{
    struct hook *h = arg;

    assert_ptr_equal(loop, h->log->w->loop);
    log_run(loop, note_new(h->log, h->number));
    h->calls++;
    if (h->act)
        h->act(h);
}

static struct hook *hook(struct log *log, unsigned when, int number)
{
    struct hook *h = test_alloc(log->w, sizeof *h);

    h->log = log;
    h->number = number;
    h->id = rondo_add_hook(log->w->loop, when, called, h);
    assert_true(h->id > 0);
    return h;
}

static void end(struct hook *h)
{
    assert_int_equal(rondo_cancel(h->log->w->loop, h->id), 0);
    h->id = 0;
}

static void soon(struct log *log, int number)
{
    assert_ok(rondo_call_soon(log->w->loop, log_run, note_new(log, number)));
}

/* ---- L18: when they are called ------------------------------------------- */

TEST(L18_before_and_after_each_wait_in_the_order_added)
{
    struct log *log = log_new(w);
    struct hook *all[] = {
        hook(log, RONDO_AFTER_WAIT, 3), hook(log, RONDO_BEFORE_WAIT, 1),
        hook(log, RONDO_AFTER_WAIT, 4), hook(log, RONDO_BEFORE_WAIT, 2)};

    soon(log, 5);
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 3, 4, 5);
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 3, 4, 5, 1, 2, 3, 4);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        end(all[i]);
    test_spin(w, 1);
    assert_int_equal(log->count, 9);
}

TEST(L18_one_hook_at_several_times)
{
    struct log *log = log_new(w);
    struct hook *h =
        hook(log, RONDO_BEFORE_WAIT | RONDO_AFTER_WAIT | RONDO_IDLE, 1);

    test_spin(w, 1);
    assert_int_equal(h->calls, 3);
    soon(log, 2); /* not idle */
    test_spin(w, 1);
    assert_int_equal(h->calls, 5);
    end(h);
}

static void schedules(struct hook *h)
{
    if (h->calls == 1)
        soon(h->log, 10 * h->number);
}

TEST_LEAVES(L18_what_a_hook_schedules_runs_in_the_same_iteration)
{
    struct log *log = log_new(w);

    hook(log, RONDO_BEFORE_WAIT, 1)->act = schedules;
    hook(log, RONDO_AFTER_WAIT, 2)->act = schedules;
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call,
                               test_counter(w)));
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    LOG_CHECK(log, 1, 2, 10, 20);
}

/* ---- L18: idle ------------------------------------------------------------ */

TEST(L18_idle_hooks_are_called_when_nothing_else_is)
{
    struct log *log = log_new(w);
    struct hook *h = hook(log, RONDO_IDLE, 2);

    soon(log, 1);
    test_spin(w, 1);
    LOG_CHECK(log, 1);
    test_spin(w, 2);
    LOG_CHECK(log, 1, 2, 2);
    assert_ok(rondo_call_soon_threadsafe(w->loop, log_run, note_new(log, 3)));
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 2, 3);
    assert_ok(rondo_call_later(w->loop, 0, log_run, note_new(log, 4)));
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 2, 3, 4);
    assert_ok(
        rondo_call_later(w->loop, RONDO_SEC(1000), log_run, note_new(log, 5)));
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 2, 3, 4, 2);
    end(h);
    test_close_loop(w);
}

static void is_ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ++*(unsigned *)arg;
}

TEST(L18_a_descriptor_that_is_ready_comes_before_idle)
{
    struct log *log = log_new(w);
    const raw_fd *fds = test_sockets(w);
    unsigned *n = test_counter(w);
    struct hook *h;

    assert_ok(rondo_add_reader(w->loop, fds[0], is_ready, n));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, *n >= 3);
    h = hook(log, RONDO_IDLE, 1);
    test_spin(w, 5); /* the reader leaves the byte unread */
    assert_int_equal(h->calls, 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    test_run_until(w, h->calls);
    end(h);
}

static void ends_after_three(struct hook *h)
{
    if (h->calls == 3)
        end(h);
}

TEST(L18_an_idle_hook_keeps_run_going_and_the_loop_awake)
{
    struct log *log = log_new(w);
    struct hook *h = hook(log, RONDO_IDLE, 1);
    struct hook *before = hook(log, RONDO_BEFORE_WAIT, 2);

    h->act = ends_after_three;
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call,
                               test_counter(w)));
    test_run_until(w, h->calls == 3);
    test_close_loop(w);
    assert_true(before->calls >= 3);
}

TEST(L18_the_other_hooks_do_not_keep_run_going)
{
    struct log *log = log_new(w);
    struct hook *h = hook(log, RONDO_BEFORE_WAIT | RONDO_AFTER_WAIT, 1);
    struct hook *idle = hook(log, RONDO_IDLE, 2);

    assert_int_equal(rondo_set_background(w->loop, idle->id, true), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(h->calls, 0);
    assert_int_equal(rondo_set_background(w->loop, h->id, false), 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(h->calls, 2);
    end(h);
    end(idle);
}

TEST(L18_an_idle_hook_lets_a_main_loop_not_wait)
{
    struct log *log = log_new(w);
    struct hook *h = hook(log, RONDO_IDLE, 1);
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;

    if (!rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "no RONDO_CAN_EMBED_FD");
    assert_int_equal(rondo_loop_prepare(w->loop, &wait), 0);
    assert_int_equal(wait.timeout_ns, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(h->calls, 1);
    end(h);
}

/* ---- L18: changes inside a hook -------------------------------------------- */

static void ends_itself(struct hook *h)
{
    end(h);
}

static void ends_the_other(struct hook *h)
{
    if (h->victim->id)
        end(h->victim);
}

static void adds_one(struct hook *h)
{
    if (!h->victim)
        h->victim = hook(h->log, RONDO_BEFORE_WAIT, h->number + 1);
}

TEST(L18_hooks_end_and_add_hooks)
{
    struct log *log = log_new(w);
    struct hook *a = hook(log, RONDO_BEFORE_WAIT, 1);
    struct hook *b = hook(log, RONDO_BEFORE_WAIT, 2);
    struct hook *c = hook(log, RONDO_BEFORE_WAIT, 3);
    struct hook *d = hook(log, RONDO_BEFORE_WAIT, 5);

    a->act = ends_the_other;
    a->victim = b;
    c->act = ends_the_other;
    c->victim = a;
    d->act = adds_one;
    test_spin(w, 1);
    LOG_CHECK(log, 1, 3, 5);
    d->act = ends_itself;
    c->act = NULL;
    test_spin(w, 1);
    LOG_CHECK(log, 1, 3, 5, 3, 5, 6);
    test_spin(w, 1);
    LOG_CHECK(log, 1, 3, 5, 3, 5, 6, 3, 6);
    end(c);
    end(d->victim);
}

static void stops(struct hook *h)
{
    rondo_loop_stop(h->log->w->loop);
    assert_int_equal(rondo_loop_run_once(h->log->w->loop, 0), RONDO_EBUSY);
    assert_int_equal(rondo_loop_close(h->log->w->loop), RONDO_EBUSY);
}

TEST_LEAVES(L18_a_hook_stops_the_loop)
{
    struct log *log = log_new(w);

    hook(log, RONDO_BEFORE_WAIT, 1)->act = stops;
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(log->count, 1);
}

/* ---- L18: the end, refusals ------------------------------------------------ */

TEST(L18_hooks_end_with_the_loop)
{
    struct log *log = log_new(w);
    const struct hook *h =
        hook(log, RONDO_BEFORE_WAIT | RONDO_AFTER_WAIT | RONDO_IDLE, 1);

    test_close_loop(w);
    assert_int_equal(h->calls, 0);
}

TEST(L18_wrong_calls_are_refused)
{
    unsigned *n = test_counter(w);

    assert_int_equal(rondo_add_hook(NULL, RONDO_IDLE, count_call, n),
                     RONDO_EINVAL);
    assert_int_equal(rondo_add_hook(w->loop, RONDO_IDLE, NULL, n),
                     RONDO_EINVAL);
    assert_int_equal(rondo_add_hook(w->loop, 0, count_call, n), RONDO_EINVAL);
    assert_int_equal(rondo_add_hook(w->loop, 8, count_call, n), RONDO_EINVAL);
}

TEST(L18_out_of_memory_there_is_no_hook)
{
    struct log *log = log_new(w);

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct hook h = {.log = log};
        rondo_id id = rondo_add_hook(w->loop, RONDO_AFTER_WAIT, called, &h);

        test_spin(w, 1);
        assert_int_equal(h.calls, id > 0 ? 1 : 0);
        if (id > 0)
            assert_int_equal(rondo_cancel(w->loop, id), 0);
        else
            assert_int_equal(id, RONDO_ENOMEM);
    }
}
