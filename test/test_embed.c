/* test_embed.c - a loop inside a main loop of somebody else's. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"
#include "harness_act.h"

/* ---- L9: what prepare tells --------------------------------------------- */

TEST(L9_prepare_tells_the_next_deadline)
{
    struct embed *e = embed_new(w);
    rondo_id id;

    embed_settle(e);
    assert_true(e->wait.timeout_ns == RONDO_NEVER);
    id = rondo_call_later(w->loop, RONDO_SEC(1000), embed_count, &e->ran);
    embed_settle(e);
    assert_true(e->wait.timeout_ns > RONDO_SEC(900));
    assert_true(e->wait.timeout_ns <= RONDO_SEC(1000));
    assert_ok(rondo_reschedule(w->loop, id, rondo_loop_time(w->loop)));
    embed_prepare(e);
    assert_true(e->wait.timeout_ns == 0);
    assert_ok(rondo_cancel(w->loop, id));
    embed_settle(e);
    assert_true(e->wait.timeout_ns == RONDO_NEVER);
    embed_finish(e);
}

TEST(L9_prepare_tells_that_there_is_work)
{
    struct embed *e = embed_new(w);

    assert_ok(rondo_call_soon(w->loop, embed_count, &e->ran));
    embed_prepare(e);
    assert_true(e->wait.timeout_ns == 0);
    embed_settle(e);
    assert_int_equal(e->ran, 1);
    assert_ok(rondo_call_soon_threadsafe(w->loop, embed_count, &e->ran));
    embed_prepare(e);
    assert_true(e->wait.timeout_ns == 0 || embed_wait(e, 0));
    embed_settle(e);
    assert_int_equal(e->ran, 2);
    embed_finish(e);
}

TEST(L9_prepare_refuses_nonsense)
{
    rondo_loop_wait wait = {.size = 0};

    embed_need(w);
    assert_einval(rondo_loop_prepare(w->loop, NULL));
    assert_einval(rondo_loop_prepare(w->loop, &wait));
    assert_einval(rondo_loop_prepare(NULL, &wait));
}

TEST_LEAVES(L9_an_idle_loop_is_quiet)
{
    struct embed *e = embed_new(w);

    (void)test_serve(w);
    for (int i = 0; i < 20; i++) {
        embed_settle(e);
        assert_false(embed_wait(e, 0));
    }
    embed_finish(e);
}

/* ---- L9: running that way ----------------------------------------------- */

/* A server, a client with more than the kernel takes, timers: all of it. */
static void live_in(struct world *w, const char *backend)
{
    enum { ALL = 3000000 };
    struct embed *e = embed_in(w, backend);
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    char *bytes = test_alloc(w, ALL);

    l->model.on_data = act_echo;
    for (int i = 0; i < 20; i++)
        assert_ok(rondo_call_later(w->loop, RONDO_MS(i), embed_count, &e->ran));
    TURN_UNTIL(e, c->connected);
    test_fill(bytes, 0, ALL);
    assert_ok(rondo_transport_write(c->transport, bytes, ALL));
    TURN_UNTIL(e, c->bytes == ALL && e->ran == 20);
    assert_true(c->checksum == test_pattern_checksum(ALL));
    rondo_transport_close(c->transport);
    rondo_server_close(l->server);
    TURN_UNTIL(e, c->lost && l->closed);
    embed_finish(e);
    test_close_other(w);
}

TEST(L9_living_inside_a_poll_loop)
{
    const char *const *names;
    size_t n = rondo_backends(&names);

    for (size_t i = 0; i < n; i++)
        live_in(w, names[i]);
}

TEST(L9_deadlines_take_few_turns)
{
    struct embed *e = embed_new(w);

    for (int i = 0; i < 10; i++)
        assert_ok(
            rondo_call_later(w->loop, RONDO_MS(2 * i), embed_count, &e->ran));
    e->waits = 0;
    TURN_UNTIL(e, e->ran == 10);
    assert_in_range(e->waits, 1, 60);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(2), embed_count, &e->ran));
    assert_int_equal(rondo_loop_run(w->loop), 0); /* alone, too */
    assert_int_equal(e->ran, 11);
    embed_settle(e);
    embed_finish(e);
}

TEST(L9_an_event_is_not_lost_between_turns)
{
    struct embed *e = embed_new(w);
    const raw_fd *fds = test_sockets(w);

    assert_ok(rondo_add_reader(w->loop, fds[0], embed_count_fd, &e->ran));
    embed_settle(e);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    embed_prepare(e); /* again, without having run */
    assert_true(embed_wait(e, RONDO_SEC(5)));
    assert_ok(rondo_loop_run_once(e->inner, 0));
    assert_int_equal(e->ran, 1);
    embed_prepare(e); /* unread: level-triggered */
    assert_true(embed_wait(e, RONDO_SEC(5)));
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    embed_settle(e);
    embed_finish(e);
}
