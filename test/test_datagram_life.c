/* test_datagram_life.c - endpoints end: anywhere, and with the loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"

/* ---- G6: made and lost -------------------------------------------------- */

TEST(G6_ended_before_made)
{
    for (int i = 0; i < 2; i++) {
        struct endpoint *e =
            endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w)));

        endpoint_ends[i](e);
        endpoint_ends[i](e);
        assert_true(rondo_datagram_is_closing(e->d));
        assert_int_equal(e->made, 0);
        test_run_loop(w);
        endpoint_lost(e, "ML", i ? RONDO_ECANCELED : 0);
    }
}

TEST_LEAVES(G6_sent_before_made)
{
    struct endpoint *to = endpoint_bound(w);
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.remote_address = &to->local));

    assert_ok(rondo_datagram_send(e->d, "early", 5, NULL));
    rondo_datagram_close(e->d);
    test_run_until(w, e->lost && to->received);
    assert_memory_equal(to->data, "early", 5);
}

static void ask_when_lost(struct endpoint *e)
{
    rondo_address a;

    assert_true(rondo_datagram_fd(e->d) == RONDO_NO_FD);
    assert_true(rondo_datagram_is_closing(e->d));
    assert_ok(rondo_datagram_local_address(e->d, &a));
    assert_true(rondo_address_equal(&a, &e->local));
    assert_ptr_equal(rondo_datagram_self(e->d), e);
    assert_ptr_equal(rondo_datagram_loop(e->d), e->w->loop);
    assert_error(rondo_datagram_send(e->d, "x", 1, &e->local), RONDO_ECLOSED);
    rondo_datagram_close(e->d);
    rondo_datagram_abort(e->d);
    rondo_datagram_set_background(e->d, true);
}

TEST(G6_valid_until_lost_returns)
{
    struct endpoint *e = endpoint_bound(w);

    e->on_lost = ask_when_lost;
    rondo_datagram_abort(e->d);
    test_run_loop(w);
    assert_int_equal(e->lost, 1);
}

/* ---- G7: from inside every callback ------------------------------------- */

static void abort_other_in_data(struct endpoint *e)
{
    if (e->other->d)
        rondo_datagram_abort(e->other->d);
}

static void close_and_abort(struct endpoint *e)
{
    rondo_datagram_close(e->d);
    rondo_datagram_abort(e->d);
}

static void end_in(struct world *w, bool in_made,
                   void (*end)(struct endpoint *e), int error)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w)));

    *(in_made ? &e->on_made : &e->on_data) = end;
    endpoint_feed(e, test_udp(w), 0, 50);
    test_run_loop(w);
    assert_int_equal(e->received, !in_made); /* no more of the batch */
    endpoint_lost(e, in_made ? "ML" : "MdL", error);
}

TEST(G7_ended_in_made)
{
    end_in(w, true, endpoint_close_it, 0);
    end_in(w, true, endpoint_abort_it, RONDO_ECANCELED);
}

TEST(G7_ended_in_datagram_received)
{
    end_in(w, false, endpoint_close_it, 0);
    end_in(w, false, endpoint_abort_it, RONDO_ECANCELED);
    end_in(w, false, close_and_abort, 0);
}

/* Both have something in the same iteration; whichever comes first wins. */
TEST_LEAVES(G7_each_ends_the_other)
{
    struct endpoint *a = endpoint_bound(w), *b = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    a->other = b;
    b->other = a;
    a->on_data = b->on_data = abort_other_in_data;
    endpoint_feed(a, fd, 0, 3);
    endpoint_feed(b, fd, 0, 3);
    test_run_until(w, a->lost || b->lost);
    test_spin(w, 3);
    assert_int_equal(a->lost + b->lost, 1);
    assert_true(a->received == 0 || b->received == 0);
}

static void make_another(struct endpoint *e)
{
    if (e->other)
        return;
    /* a large one, while a datagram is lent from the room they share */
    e->other =
        endpoint_open(e->w, RONDO_DATAGRAM(.local_address = endpoint_here(e->w),
                                           .receive_size = 70000));
    assert_ok(rondo_datagram_send(e->other->d, e->lent, e->size, &e->from));
    rondo_datagram_close(e->other->d);
}

TEST_LEAVES(G7_another_made_in_datagram_received)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    uint64_t got = 0;

    e->on_data = make_another;
    endpoint_feed(e, fd, 5, 3);
    test_run_until(w, e->received == 3 && e->other->lost);
    assert_int_equal(raw_recv_from(fd, &got, sizeof got, NULL, 1000), 8);
    assert_true(got == 5);
}

static void stop_loop(struct endpoint *e)
{
    endpoint_echo(e);
    rondo_loop_stop(e->w->loop);
}

TEST_LEAVES(L2_stopped_in_datagram_received)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    uint64_t got;
    unsigned answers = 0;

    e->on_data = stop_loop;
    endpoint_feed(e, fd, 0, 3);
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_true(e->received > 0);
    while (raw_recv_from(fd, &got, sizeof got, NULL, 100) >= 0)
        answers++;
    assert_int_equal(answers, e->received); /* none is kept back */
}

/* A different loop runs inside a callback, with endpoints of its own. */
static void run_other_loop(struct endpoint *e)
{
    struct endpoint *inner = e->other;

    assert_ok(rondo_datagram_send(inner->d, "inner", 5, &inner->local));
    while (!inner->received)
        assert_ok(rondo_loop_run_once(e->w->other, RONDO_SEC(1)));
    assert_memory_equal(inner->data, "inner", 5);
    assert_memory_equal(e->data, e->lent,
                        e->size); /* still lent, still there */
}

TEST_LEAVES(L4_another_loop_inside)
{
    struct endpoint *e = endpoint_bound(w), *inner = endpoint_new(w);

    (void)test_other_loop(w);
    assert_ok(rondo_create_datagram_endpoint(
        w->other, RONDO_DATAGRAM(.local_address = endpoint_here(w)),
        &datagram_recorder, inner, &inner->d));
    assert_ok(rondo_datagram_local_address(inner->d, &inner->local));
    e->other = inner;
    e->on_data = run_other_loop;
    endpoint_feed(e, test_udp(w), 0, 5);
    while (e->received < 5)
        assert_ok(rondo_loop_run_once(w->loop, RONDO_SEC(1)));
}

/* ---- L5: with the loop -------------------------------------------------- */

TEST(L5_the_loop_closes_hundreds)
{
    enum { COUNT = 300 };
    struct endpoint **e = test_alloc(w, COUNT * sizeof *e);
    raw_fd fd = test_udp(w);
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS);

    test_skip_if(w, limit < COUNT + 50, "not so many descriptors");
    for (int i = 0; i < COUNT; i++) {
        e[i] = endpoint_bound(w);
        if (i % 3 == 0)
            endpoint_feed(e[i], fd, 0, 2);
    }
    assert_int_equal(test_metrics(w).live_datagrams, COUNT);
    test_close_loop(w);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(e[i]->lost, 1);
        assert_int_equal(e[i]->error, RONDO_ECLOSED);
    }
}

TEST(L5_closed_with_a_queue_and_before_made)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct endpoint *new_one =
        endpoint_open(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET));

    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, UINT32_MAX);
    for (int i = 0; i < 100; i++)
        assert_ok(rondo_datagram_send(e->d, "x", 1, &to->local));
    test_spin(w, 0);
    test_close_loop(w);
    endpoint_unblock();
    assert_int_equal(e->lost, 1);
    assert_int_equal(new_one->made, new_one->lost);
}

static void create_when_lost(struct endpoint *e)
{
    rondo_datagram *d = NULL;

    assert_error(rondo_create_datagram_endpoint(
                     e->w->loop,
                     RONDO_DATAGRAM(.local_address = endpoint_here(e->w)),
                     &datagram_recorder, NULL, &d),
                 RONDO_ECLOSED);
}

TEST(L5_nothing_new_while_closing)
{
    struct endpoint *e = endpoint_bound(w);

    e->on_lost = create_when_lost;
    test_close_loop(w);
    assert_int_equal(e->lost, 1);
}

TEST(L3_keeps_the_loop_running_unless_background)
{
    struct endpoint *e = endpoint_bound(w);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_datagram_set_background(e->d, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_datagram_set_background(e->d, false);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_datagram_close(e->d);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(e->lost, 1);
}

/* ---- L13 ---------------------------------------------------------------- */

TEST(L13_counted_and_described)
{
    struct endpoint *e = endpoint_bound(w);
    char line[256] = "", fd[32];

    assert_int_equal(test_metrics(w).live_datagrams, 1);
    assert_int_equal(rondo_loop_dump(w->loop, copy_line, line), 1);
    (void)snprintf(fd, sizeof fd, "datagram fd %lld, 127.0.0.1:",
                   (long long)rondo_datagram_fd(e->d));
    assert_true(strncmp(line, fd, strlen(fd)) == 0);
    assert_true(strstr(line, "open") != NULL);
    rondo_datagram_close(e->d);
    (void)rondo_loop_dump(w->loop, copy_line, line);
    assert_true(strstr(line, "closing") != NULL);
    test_run_until(w, e->lost);
    assert_int_equal(test_metrics(w).live_datagrams, 0);
    assert_int_equal(rondo_loop_dump(w->loop, copy_line, line), 0);
}

/* ---- G3, L8 ------------------------------------------------------------- */

struct foreign {
    struct endpoint *e;
    int sent, limited;
    char sentence[256];
};

static void on_thread(void *arg)
{
    struct foreign *f = arg;

    f->sent = rondo_datagram_send(f->e->d, "x", 1, &f->e->local);
    f->limited = rondo_datagram_set_write_buffer_limits(f->e->d, 1, 1);
    rondo_datagram_close(f->e->d);
    (void)snprintf(f->sentence, sizeof f->sentence, "%s", rondo_last_error());
}

TEST_LEAVES(G3_a_foreign_thread_in_debug_mode)
{
    struct foreign *f = test_alloc(w, sizeof *f);

    f->e = endpoint_bound(w);
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(60)));
    raw_thread_join(raw_thread_start(on_thread, f));
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    assert_int_equal(f->sent, RONDO_ETHREAD);
    assert_int_equal(f->limited, RONDO_ETHREAD);
    assert_true(strstr(f->sentence, "datagram_close") != NULL);
    assert_false(rondo_datagram_is_closing(f->e->d));
}

static int in_child(void *arg)
{
    struct endpoint *e = arg;

    if (rondo_datagram_send(e->d, "x", 1, &e->local) != RONDO_EFORKED)
        return 1;
    if (rondo_loop_after_fork(e->w->loop) < 0)
        return 2;
    if (rondo_datagram_send(e->d, "child", 5, &e->local) != 0)
        return 3;
    for (int i = 0; i < 100 && !e->received; i++)
        (void)rondo_loop_run_once(e->w->loop, RONDO_MS(10));
    return e->received ? 0 : 4;
}

TEST_LEAVES(L8_goes_on_in_a_child)
{
    struct endpoint *e = endpoint_bound(w);

    test_run_child(w, in_child, e);
    assert_ok(rondo_datagram_send(e->d, "parent", 6, &e->local));
    test_run_until(w, e->received && e->size == 6);
}
