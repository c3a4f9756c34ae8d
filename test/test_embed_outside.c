/* test_embed_outside.c - scheduling on an embedded loop, from outside it. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"

/* ---- L9: scheduling from outside, after prepare ------------------------- */

struct outside {
    struct embed *e;
    struct listener *l;
    struct peer *a, *b;
    rondo_id later;
    raw_fd fd; /* readable */
    rondo_remote *remote;
};

typedef void outside_fn(struct outside *o);

static void soon(struct outside *o)
{
    assert_ok(rondo_call_soon(o->e->inner, embed_count, &o->e->ran));
}

static void due_timer(struct outside *o)
{
    assert_ok(rondo_call_later(o->e->inner, 0, embed_count, &o->e->ran));
}

static void earlier_timer(struct outside *o)
{
    assert_ok(
        rondo_call_later(o->e->inner, RONDO_SEC(50), embed_count, &o->e->ran));
}

static void repeated_timer(struct outside *o)
{
    assert_ok(
        rondo_call_every(o->e->inner, RONDO_SEC(40), embed_count, &o->e->ran));
}

static void moved_timer(struct outside *o)
{
    assert_ok(rondo_reschedule(o->e->inner, o->later,
                               rondo_loop_time(o->e->inner) + RONDO_SEC(30)));
}

static void post(struct outside *o)
{
    assert_ok(rondo_call_soon_threadsafe(o->e->inner, embed_count, &o->e->ran));
}

static void remote_post(struct outside *o)
{
    assert_ok(rondo_remote_call(o->remote, embed_count, &o->e->ran));
}

static void wake(struct outside *o)
{
    rondo_loop_wake(o->e->inner);
}

static void stop(struct outside *o)
{
    rondo_loop_stop(o->e->inner);
}

static void new_reader(struct outside *o)
{
    assert_ok(rondo_add_reader(o->e->inner, o->fd, embed_count_fd, &o->e->ran));
}

static void new_writer(struct outside *o)
{
    assert_ok(rondo_add_writer(o->e->inner, o->fd, embed_count_fd, &o->e->ran));
}

static void new_connection(struct outside *o)
{
    (void)test_connect(o->e->w, o->l->port);
}

static void cancelled_connection(struct outside *o)
{
    const struct peer *p = test_connect(o->e->w, o->l->port);

    assert_ok(rondo_cancel(o->e->inner, p->id));
}

static void closed(struct outside *o)
{
    rondo_transport_close(o->a->transport);
}

static void aborted(struct outside *o)
{
    rondo_transport_abort(o->b->transport);
}

static void server_closed(struct outside *o)
{
    rondo_server_close(o->l->server);
}

static void limits_changed(struct outside *o)
{
    do { /* the other end may have room for more after a while */
        test_fill_transport(o->e->w, o->a);
        embed_settle(o->e);
    } while (!rondo_transport_get_write_buffer_size(o->a->transport));
    assert_ok(rondo_transport_set_write_buffer_limits(o->a->transport, 1, 0));
}

static void try_outside(struct world *w, outside_fn *act)
{
    struct outside *o = test_alloc(w, sizeof *o);
    const raw_fd *fds = test_sockets(w);

    w->leaves = true;
    o->l = test_serve(w);
    test_pair(w, &o->a, &o->b);
    o->e = embed_new(w);
    o->later =
        rondo_call_later(w->loop, RONDO_SEC(100), embed_count, &o->e->ran);
    o->remote = rondo_loop_remote(w->loop);
    o->fd = fds[0];
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_transport_pause_reading(o->b->transport));
    embed_settle(o->e);
    act(o);
    if (!embed_wait(o->e, 0))
        test_fail(w, "the main loop is not told");
    rondo_remote_release(o->remote);
    (void)rondo_remove_reader(w->loop, o->fd);
    (void)rondo_remove_writer(w->loop, o->fd);
    embed_settle(o->e);
    embed_finish(o->e);
}

/* writing at once needs nothing of the loop, so it alone may stay quiet */
TEST_LEAVES(L9_a_write_reaches_the_other_end)
{
    struct peer *a, *b;
    struct embed *e;

    test_pair(w, &a, &b);
    e = embed_new(w);
    embed_settle(e);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    TURN_UNTIL(e, b->bytes == 1);
    embed_finish(e);
}

TEST_CASE(L9_outside_soon, try_outside(w, soon));
TEST_CASE(L9_outside_due_timer, try_outside(w, due_timer));
TEST_CASE(L9_outside_earlier_timer, try_outside(w, earlier_timer));
TEST_CASE(L9_outside_repeated_timer, try_outside(w, repeated_timer));
TEST_CASE(L9_outside_moved_timer, try_outside(w, moved_timer));
TEST_CASE(L9_outside_post, try_outside(w, post));
TEST_CASE(L9_outside_remote_post, try_outside(w, remote_post));
TEST_CASE(L9_outside_wake, try_outside(w, wake));
TEST_CASE(L9_outside_stop, try_outside(w, stop));
TEST_CASE(L9_outside_new_reader, try_outside(w, new_reader));
TEST_CASE(L9_outside_new_writer, try_outside(w, new_writer));
TEST_CASE(L9_outside_new_connection, try_outside(w, new_connection));
TEST_CASE(L9_outside_cancelled_connection,
          try_outside(w, cancelled_connection));
TEST_CASE(L9_outside_closed, try_outside(w, closed));
TEST_CASE(L9_outside_aborted, try_outside(w, aborted));
TEST_CASE(L9_outside_server_closed, try_outside(w, server_closed));
TEST_CASE(L9_outside_limits_changed, try_outside(w, limits_changed));

static void post_from_thread(void *arg)
{
    struct embed *e = arg;

    (void)rondo_call_soon_threadsafe(e->inner, embed_count, &e->ran);
}

TEST(L9_outside_from_another_thread)
{
    struct embed *e = embed_new(w);

    for (unsigned i = 0; i < 100; i++) {
        embed_settle(e);
        raw_thread_join(raw_thread_start(post_from_thread, e));
        assert_true(embed_wait(e, 0));
        assert_ok(rondo_loop_run_once(e->inner, 0));
        assert_int_equal(e->ran, i + 1);
    }
    embed_finish(e);
}
