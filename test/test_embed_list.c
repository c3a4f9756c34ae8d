/* test_embed_list.c - what a main loop's poll(2) is told, by every backend. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"
#include "harness_act.h"

/* Events of the descriptor in the list; -1: it is not there. */
static int events_of(struct world *w, rondo_fd fd)
{
    rondo_poll_entry list[EMBED_MOST];
    int64_t timeout = -1;
    int count = rondo_loop_prepare_poll(w->loop, list, EMBED_MOST, &timeout);

    assert_in_range(count, 1, EMBED_MOST);
    assert_true(timeout >= 0);
    for (int i = 0; i < count; i++)
        if (list[i].fd == fd)
            return (int)list[i].events;
    return -1;
}

/* ---- L9: the list ---------------------------------------------------------- */

TEST(L9_a_list_is_told_by_every_backend)
{
    const raw_fd *fds = test_sockets(w);
    unsigned *n = test_counter(w);
    bool one = rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD);
    rondo_poll_entry entry;
    int64_t timeout = -1;

    assert_int_equal(events_of(w, fds[0]), -1);
    assert_ok(rondo_add_reader(w->loop, fds[0], embed_count_fd, n));
    assert_int_equal(events_of(w, fds[0]), one ? -1 : RONDO_READABLE);
    assert_ok(rondo_add_writer(w->loop, fds[0], embed_count_fd, n));
    assert_int_equal(events_of(w, fds[0]),
                     one ? -1 : RONDO_READABLE | RONDO_WRITABLE);
    if (!one) /* the wake-up and the socket, of which there is room for one */
        assert_int_equal(rondo_loop_prepare_poll(w->loop, &entry, 1, &timeout),
                         2);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    test_spin(w, 1);
    assert_int_equal(events_of(w, fds[0]), -1);
    assert_int_equal(*n, 0);
}

TEST(L9_a_list_tells_the_deadline)
{
    unsigned *n = test_counter(w);
    int64_t timeout = -1;
    rondo_id id;

    test_spin(w, 2);
    assert_int_equal(rondo_loop_prepare_poll(w->loop, NULL, 0, &timeout), 1);
    assert_true(timeout == RONDO_NEVER);
    id = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n);
    assert_int_equal(rondo_loop_prepare_poll(w->loop, NULL, 0, &timeout), 1);
    assert_true(timeout > RONDO_SEC(900) && timeout <= RONDO_SEC(1000));
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_int_equal(rondo_loop_prepare_poll(w->loop, NULL, 0, &timeout), 1);
    assert_true(timeout == 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(*n, 1);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
}

static void prepares_inside(rondo_loop *loop, void *arg)
{
    rondo_poll_entry entry;
    int64_t timeout;

    assert_int_equal(rondo_loop_prepare_poll(loop, &entry, 1, &timeout),
                     RONDO_EBUSY);
    count_call(loop, arg);
}

TEST(L9_a_list_refuses_nonsense)
{
    rondo_poll_entry entry;
    int64_t timeout;
    unsigned *n = test_counter(w);

    assert_einval(rondo_loop_prepare_poll(NULL, &entry, 1, &timeout));
    assert_einval(rondo_loop_prepare_poll(w->loop, NULL, 1, &timeout));
    assert_einval(rondo_loop_prepare_poll(w->loop, &entry, 1, NULL));
    assert_ok(rondo_call_soon(w->loop, prepares_inside, n));
    test_run_loop(w);
    assert_int_equal(*n, 1);
}

/* The one descriptor and the list say the same where there are both. */
TEST(L9_a_list_of_one)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_poll_entry entry = {.fd = RONDO_NO_FD};
    int64_t timeout;

    embed_need(w);
    assert_int_equal(rondo_loop_prepare_poll(w->loop, &entry, 1, &timeout), 1);
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    assert_true(entry.fd == wait.fd);
    assert_int_equal(entry.events, RONDO_READABLE);
}

/* Descriptors that come and go between prepare and the wait. */
TEST(L9_a_list_that_has_grown_ends_the_wait)
{
    struct embed *e = embed_new(w);

    embed_settle(e);
    for (int i = 0; i < 20; i++) {
        const raw_fd *fds = test_sockets(w);

        assert_true(raw_send_all(fds[1], "x", 1, 1000));
        embed_prepare(e);
        assert_ok(rondo_add_reader(w->loop, fds[0], embed_count_fd, &e->ran));
        e->ran = 0;
        TURN_UNTIL(e, e->ran);
        assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
        embed_settle(e);
    }
    embed_finish(e);
}
