/* test_loop_order.c - order, batches and fairness. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_log.h"

/* ---- L1: order and batches ---------------------------------------------- */

TEST(L1_first_in_first_out)
{
    struct log *log = log_new(w);

    for (int i = 0; i < 1000; i++)
        assert_ok(rondo_call_soon(w->loop, log_run, note_new(log, i)));
    test_run_loop(w);
    assert_int_equal(log->count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(log->order[i], i);
}

TEST(L1_order_survives_cancelling)
{
    struct log *log = log_new(w);
    rondo_id ids[600];

    for (int i = 0; i < 600; i++)
        ids[i] = rondo_call_soon(w->loop, log_run, note_new(log, i));
    for (int i = 0; i < 600; i += 3)
        assert_ok(rondo_cancel(w->loop, ids[i]));
    test_run_loop(w);
    assert_int_equal(log->count, 400);
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(log->order[i], i / 2 * 3 + 1 + i % 2);
}

TEST(L1_what_is_scheduled_meanwhile_waits_for_the_next)
{
    struct log *log = log_new(w);
    struct note *first = note_new(log, 1);

    first->next = note_new(log, 3);
    first->next->next = note_new(log, 4);
    assert_ok(rondo_call_soon(w->loop, log_run, first));
    assert_ok(rondo_call_soon(w->loop, log_run, note_new(log, 2)));
    test_spin(w, 1);
    assert_int_equal(log->count, 2);
    test_spin(w, 1);
    assert_int_equal(log->count, 3);
    test_spin(w, 1);
    LOG_CHECK(log, 1, 2, 3, 4);
}

static void schedule_all_ways(rondo_loop *loop, void *arg)
{
    struct log *log = arg;

    log_run(loop, note_new(log, 0));
    assert_ok(rondo_call_soon(loop, log_run, note_new(log, 1)));
    assert_ok(rondo_call_soon_threadsafe(loop, log_run, note_new(log, 2)));
    assert_ok(rondo_call_at(loop, 0, log_run, note_new(log, 3)));
    assert_ok(rondo_call_later(loop, 0, log_run, note_new(log, 4)));
}

static void wait_for_the_next(struct log *log)
{
    uint64_t first;

    test_run_until(log->w, log->count == 5);
    first = log->iterations[0];
    assert_int_equal(log->order[0], 0);
    for (unsigned i = 1; i < 5; i++)
        if (log->iterations[i] == first)
            test_fail(log->w, "number %d ran in the iteration it was made in",
                      log->order[i]);
}

static void schedule_from_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    assert_int_equal(rondo_remove_reader(loop, fd), 1);
    schedule_all_ways(loop, arg);
}

/* In a callback, a timer, a post and a watcher. */
TEST(L1_scheduling_in_each_callback_waits_for_the_next)
{
    const raw_fd *fds = test_sockets(w);
    struct log *log[4];

    for (int i = 0; i < 4; i++)
        log[i] = log_new(w);
    assert_ok(rondo_call_soon(w->loop, schedule_all_ways, log[0]));
    assert_ok(rondo_call_later(w->loop, 0, schedule_all_ways, log[1]));
    assert_ok(rondo_call_soon_threadsafe(w->loop, schedule_all_ways, log[2]));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], schedule_from_fd, log[3]));
    for (int i = 0; i < 4; i++)
        wait_for_the_next(log[i]);
}

/* ---- L1: fairness ------------------------------------------------------- */

enum way { SOON, POSTED, DUE };

struct endless {
    enum way way;
    uint64_t ran;
    bool stop;
};

static void again(rondo_loop *loop, void *arg)
{
    struct endless *e = arg;

    e->ran++;
    if (e->stop)
        return;
    if (e->way == SOON)
        assert_ok(rondo_call_soon(loop, again, e));
    else if (e->way == POSTED)
        assert_ok(rondo_call_soon_threadsafe(loop, again, e));
    else
        assert_ok(rondo_call_at(loop, 0, again, e));
}

static void set_true_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)rondo_remove_reader(loop, fd);
    *(bool *)arg = true;
}

/* With such chains going: a timer that is due and a socket that is ready are
 * served in the next iterations, however many the chains are. */
TEST(L1_endless_chains_starve_nobody)
{
    static const struct {
        const char *name;
        enum way way;
        unsigned width;
    } rows[] = {{"one of call_soon", SOON, 1},
                {"many of call_soon", SOON, 20000},
                {"many of posts", POSTED, 20000},
                {"many of due timers", DUE, 500}};

    for (EACH_ROW(w, row, rows)) {
        struct endless *e = test_alloc(w, sizeof *e);
        bool *served = test_alloc(w, 2 * sizeof *served);
        const raw_fd *fds = test_sockets(w);

        e->way = row->way;
        for (unsigned i = 0; i < row->width; i++)
            assert_ok(rondo_call_soon(w->loop, again, e));
        test_spin(w, 5);
        assert_ok(rondo_call_later(w->loop, 0, set_true, &served[0]));
        assert_true(raw_send_all(fds[1], "x", 1, 1000));
        assert_ok(rondo_add_reader(w->loop, fds[0], set_true_fd, &served[1]));
        test_spin(w, 4);
        assert_true(served[0]);
        assert_true(served[1]);
        assert_true(e->ran > 0);
        e->stop = true;
        test_run_loop(w);
    }
}

/* The chain adds at most a bounded number of callbacks to an iteration. */
TEST(L1_callbacks_of_an_iteration_are_bounded)
{
    struct endless *e = test_alloc(w, sizeof *e);
    const unsigned all = 200000;

    e->stop = true;
    for (unsigned i = 0; i < all; i++)
        assert_ok(rondo_call_soon(w->loop, again, e));
    test_spin(w, 1);
    assert_in_range(e->ran, 1, all / 4);
    test_run_loop(w);
    assert_int_equal(e->ran, all);
}

/* Until the kernel takes no more. */
static void keep_filling(raw_fd fd)
{
    static char bytes[65536];

    while (raw_send(fd, bytes, sizeof bytes) > 0)
        continue;
}

/* what the loud one had received when the quiet one was served */
static void look_at_loud(struct peer *p, const void *data, size_t size)
{
    (void)data, (void)size;
    *(uint64_t *)p->user = p->other->bytes + 1;
}

/* A peer that never stops sending does not keep another from being read. */
TEST_LEAVES(L1_a_flooded_socket_starves_nobody)
{
    uint64_t *seen = test_alloc(w, sizeof *seen);
    struct peer *quiet = test_peer(w);
    struct peer *loud = test_peer(w);
    raw_fd fds[2];
    uint64_t before;

    loud->no_checksum = true;
    quiet->other = loud;
    quiet->user = seen;
    quiet->on_data = look_at_loud;
    fds[0] = test_own(w, test_raw_peer(w, &recorder, loud, 0));
    fds[1] = test_own(w, test_raw_peer(w, &recorder, quiet, 0));
    keep_filling(fds[0]);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    before = test_iterations(w);
    while (!*seen && test_iterations(w) - before < 20) {
        keep_filling(fds[0]);
        test_spin(w, 1);
    }
    /* in its turn, and after no more than a bounded share of the flood */
    assert_in_range(*seen, 1, 4 * 1024 * 1024 - 1);
}

/* Bytes of one socket an iteration are bounded. */
TEST_LEAVES(L1_reads_of_an_iteration_are_bounded)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_own(w, test_raw_peer(w, &recorder, p, 0));
    uint64_t most = 0;

    p->no_checksum = true;
    for (int i = 0; i < 20; i++) {
        uint64_t before = p->bytes;

        keep_filling(fd);
        test_spin(w, 1);
        if (p->bytes - before > most)
            most = p->bytes - before;
    }
    assert_in_range(most, 1, 2 * 1024 * 1024);
}
