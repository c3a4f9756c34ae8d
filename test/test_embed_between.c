/* test_embed_between.c - an embedded loop that runs before the main one waits. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"

/*
 * The main loop has asked what to wait for. Before it waits, somebody runs the
 * inner loop once. What comes after that, and what that run leaves undone, must
 * end the main loop's wait as before.
 */
struct between {
    struct embed *e;
    raw_fd fd; /* readable */
    rondo_id later;
    void (*act)(struct between *b);
};

typedef void act_fn(struct between *b);

static void soon(struct between *b)
{
    assert_ok(rondo_call_soon(b->e->inner, embed_count, &b->e->ran));
}

static void due_timer(struct between *b)
{
    assert_ok(rondo_call_later(b->e->inner, 0, embed_count, &b->e->ran));
}

static void earlier_timer(struct between *b)
{
    assert_ok(
        rondo_call_later(b->e->inner, RONDO_SEC(50), embed_count, &b->e->ran));
}

static void moved_timer(struct between *b)
{
    assert_ok(rondo_reschedule(b->e->inner, b->later,
                               rondo_loop_time(b->e->inner) + RONDO_SEC(30)));
}

static void post(struct between *b)
{
    assert_ok(rondo_call_soon_threadsafe(b->e->inner, embed_count, &b->e->ran));
}

static void new_reader(struct between *b)
{
    assert_ok(rondo_add_reader(b->e->inner, b->fd, embed_count_fd, &b->e->ran));
}

static void act_inside(rondo_loop *loop, void *arg)
{
    struct between *b = arg;

    (void)loop;
    b->act(b);
}

static void try_between(struct world *w, act_fn *act, bool inside)
{
    struct between *b = test_alloc(w, sizeof *b);
    const raw_fd *fds = test_sockets(w);
    struct embed *e;

    w->leaves = true;
    b->e = e = embed_new(w);
    b->act = act;
    b->fd = fds[0];
    b->later = rondo_call_later(w->loop, RONDO_SEC(100), embed_count, &e->ran);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    embed_settle(e);
    if (inside)
        assert_ok(rondo_call_soon(w->loop, act_inside, b));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    if (!inside)
        act(b);
    if (!embed_wait(e, 0))
        test_fail(w, "the main loop is not told");
    (void)rondo_remove_reader(w->loop, b->fd);
    embed_settle(e);
    assert_false(embed_wait(e, 0));
    embed_finish(e);
}

TEST_CASE(L9_soon_after_a_run, try_between(w, soon, false));
TEST_CASE(L9_due_timer_after_a_run, try_between(w, due_timer, false));
TEST_CASE(L9_earlier_timer_after_a_run, try_between(w, earlier_timer, false));
TEST_CASE(L9_moved_timer_after_a_run, try_between(w, moved_timer, false));
TEST_CASE(L9_post_after_a_run, try_between(w, post, false));
TEST_CASE(L9_new_reader_after_a_run, try_between(w, new_reader, false));
TEST_CASE(L9_soon_in_a_run, try_between(w, soon, true));
TEST_CASE(L9_due_timer_in_a_run, try_between(w, due_timer, true));
TEST_CASE(L9_earlier_timer_in_a_run, try_between(w, earlier_timer, true));
TEST_CASE(L9_moved_timer_in_a_run, try_between(w, moved_timer, true));
TEST_CASE(L9_post_in_a_run, try_between(w, post, true));
TEST_CASE(L9_new_reader_in_a_run, try_between(w, new_reader, true));

/* The wait of a main loop that has run the inner one once more than it must. */
TEST(L9_a_transport_goes_on_after_a_run_between)
{
    struct embed *e = embed_new(w);
    struct peer *a, *b;

    test_pair(w, &a, &b);
    for (unsigned i = 1; i <= 20; i++) {
        embed_settle(e);
        assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
        assert_ok(rondo_transport_write(a->transport, "x", 1));
        assert_true(embed_wait(e, RONDO_SEC(5)));
        TURN_UNTIL(e, b->bytes == i);
    }
    rondo_transport_abort(a->transport);
    TURN_UNTIL(e, a->lost && b->lost);
    embed_finish(e);
}

/* What the main loop waits for is still right: it is not told. */
TEST_LEAVES(L9_a_run_that_leaves_nothing_is_quiet)
{
    struct embed *e = embed_new(w);

    (void)test_serve(w);
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(100), embed_count, &e->ran));
    embed_settle(e);
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(200), embed_count, &e->ran));
    embed_settle(e);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
        assert_false(embed_wait(e, 0));
    }
    embed_finish(e);
}

/* Alone, with waits of its own, a loop that was embedded once wakes nobody. */
TEST(L9_a_loop_that_is_embedded_no_more_waits_for_its_timer)
{
    struct embed *e = embed_new(w);
    unsigned turns = 0;

    embed_settle(e);
    embed_finish(e);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(50), embed_count, &e->ran));
    for (; !e->ran; turns++)
        assert_ok(rondo_loop_run_once(w->loop, RONDO_SEC(5)));
    assert_in_range(turns, 1, 10);
}
