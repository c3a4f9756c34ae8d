/* test_dump.c - what a dump says of timers, callbacks, posts and jobs; what keeps
 * a loop running. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dump.h"

static struct dump *dump_now(struct world *w)
{
    return dump_of(w, w->loop);
}

/* A function's name where it is known, else its place. */
static const char *name_of(struct world *w, rondo_fn fn)
{
    char *name = test_alloc(w, 256);

    (void)rondo_function_name(fn, name, 256);
    return name;
}

/* ---- L13: timers, callbacks, posts -------------------------------------- */

TEST_LEAVES(L13_timers_have_their_function_and_are_due)
{
    const char *name = name_of(w, count_call);
    unsigned *n = test_counter(w);
    const struct dump *d;
    rondo_id id;

    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    assert_ok(rondo_call_every(w->loop, RONDO_MS(2500), count_call, n));
    assert_ok(rondo_call_at(w->loop, RONDO_NEVER, ignore_call, n));
    id = rondo_call_at(w->loop, 0, count_call, n);
    assert_ok(id);
    assert_ok(rondo_set_background(w->loop, id, true));
    d = dump_now(w);
    assert_int_equal(d->count, 4);
    assert_int_equal(dump_has(d, "timer ", name), 3);
    assert_int_equal(dump_has(d, "timer ", "due in 999."), 1);
    assert_int_equal(dump_has(d, "timer ", ", every 2.500 s"), 1);
    assert_int_equal(dump_has(d, "timer ", "due never"), 1);
    assert_int_equal(dump_has(d, "timer ", " ago, background") +
                         dump_has(d, "timer ", "0.000 s, background"),
                     1);
    assert_ok(rondo_cancel(w->loop, id));
    assert_int_equal(dump_now(w)->count, 3);
}

TEST(L13_callbacks_and_posts_have_their_function)
{
    unsigned *n = test_counter(w);
    const struct dump *d;
    rondo_id id = rondo_call_soon(w->loop, ignore_call, NULL);
    rondo_remote *remote = rondo_loop_remote(w->loop);
    rondo_id post;

    assert_ok(id);
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
    post = rondo_remote_post(remote, ignore_call, NULL);
    assert_ok(post);
    d = dump_now(w);
    assert_int_equal(d->count, 4);
    assert_int_equal(dump_has(d, "callback ", name_of(w, count_call)), 1);
    assert_int_equal(dump_has(d, "post ", name_of(w, count_call)), 1);
    assert_ok(rondo_cancel(w->loop, id));
    assert_ok(rondo_remote_cancel(remote, post));
    assert_int_equal(dump_now(w)->count, 2);
    rondo_remote_release(remote);
    test_run_until(w, *n == 2);
    assert_int_equal(dump_now(w)->count, 0);
}

static void dump_in_timer(rondo_loop *loop, void *arg)
{
    struct world *w = arg;

    (void)loop;
    assert_int_equal(dump_now(w)->count, 0); /* it fires, and is no more */
}

TEST(L13_a_timer_that_fires_is_not_listed)
{
    assert_ok(rondo_call_later(w->loop, 0, dump_in_timer, w));
    test_run_loop(w);
}

static void schedule_more(void *arg, const char *line, size_t size)
{
    struct world *w = arg;

    (void)line;
    (void)size;
    assert_ok(rondo_call_soon(w->loop, ignore_call, NULL));
}

/* The ring and the timers may grow in the middle of a dump. */
TEST(L13_a_line_may_schedule_more)
{
    for (int i = 0; i < 100; i++)
        assert_ok(rondo_call_soon(w->loop, ignore_call, NULL));
    assert_ok(rondo_call_later(w->loop, 0, ignore_call, NULL));
    assert_true(rondo_loop_dump(w->loop, schedule_more, w) >= 101);
    test_run_loop(w);
}

/* ---- L13: what keeps it running ----------------------------------------- */

TEST_CASE(L13_nothing_keeps_an_empty_loop_running,
          assert_int_equal(dump_explain(w)->count, 0));

TEST(L13_what_keeps_it_running_is_listed_and_nothing_else)
{
    unsigned *n = test_counter(w);
    struct listener *l = test_serve(w);
    rondo_id timer = rondo_call_later(w->loop, RONDO_SEC(1000), never_call, w);
    const struct dump *d;

    assert_ok(timer);
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    d = dump_explain(w);
    assert_int_equal(d->count, 3);
    assert_int_equal(dump_has(d, "server ", "serving"), 1);
    assert_int_equal(dump_has(d, "timer ", "due in 999."), 1);
    assert_int_equal(dump_has(d, "callback ", ""), 1);
    rondo_server_set_background(l->server, true);
    assert_ok(rondo_set_background(w->loop, timer, true));
    assert_int_equal(dump_explain(w)->count, 1);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(dump_explain(w)->count, 0);
    assert_int_equal(dump_now(w)->count, 2);
    assert_ok(rondo_cancel(w->loop, timer));
    test_stop(l);
}

/* It says 0 just when a run returns at once. */
TEST(L13_a_run_ends_when_nothing_is_explained)
{
    struct peer *p, *other;
    unsigned rounds = 0;

    test_pair(w, &p, &other);
    rondo_transport_close(p->transport);
    while (dump_explain(w)->count) {
        int more = rondo_loop_run_once(w->loop, RONDO_SEC(20));

        assert_true(more >= 0);
        assert_int_equal(more > 0, dump_explain(w)->count > 0);
        assert_true(++rounds < 1000);
    }
    assert_int_equal(p->lost + other->lost, 2);
}

TEST(L13_explain_of_nothing)
{
    assert_einval(rondo_loop_explain(NULL, ignore_line, NULL));
    assert_einval(rondo_loop_explain(w->loop, NULL, NULL));
}
