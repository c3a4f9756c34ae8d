/* test_watchers.c - readers and writers on descriptors of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* a watcher, what it counts and what it does */
struct watch {
    struct world *w;
    raw_fd fd;
    unsigned calls;
    bool reads; /* takes all there is */
    ptrdiff_t last;
    void (*act)(struct watch *x);
    struct watch *victim;
    int result;
};

static struct watch *watch_new(struct world *w, raw_fd fd)
{
    struct watch *x = test_alloc(w, sizeof *x);

    x->w = w;
    x->fd = fd;
    return x;
}

static void ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct watch *x = arg;
    char piece[256];

    assert_ptr_equal(loop, x->w->loop);
    assert_true(fd == x->fd);
    x->calls++;
    if (x->reads)
        while ((x->last = raw_recv(x->fd, piece, sizeof piece, 0)) > 0)
            continue;
    if (x->act)
        x->act(x);
}

static struct watch *reader(struct world *w, raw_fd fd)
{
    struct watch *x = watch_new(w, fd);

    assert_int_equal(rondo_add_reader(w->loop, fd, ready, x), 0);
    return x;
}

static struct watch *writer(struct world *w, raw_fd fd)
{
    struct watch *x = watch_new(w, fd);

    assert_int_equal(rondo_add_writer(w->loop, fd, ready, x), 0);
    return x;
}

/* Two sockets, of which the first can be read. */
static raw_fd *readable(struct world *w)
{
    raw_fd *fds = test_sockets(w);

    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    return fds;
}

static void fill(raw_fd fd)
{
    static char piece[65536];

    while (raw_send(fd, piece, sizeof piece) > 0)
        continue;
}

/* ---- W1: level-triggered ------------------------------------------------ */

TEST_LEAVES(W1_reader_left_unread_goes_on_being_called)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = reader(w, fds[0]);

    test_spin(w, 5);
    assert_int_equal(x->calls, 0);
    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    test_run_until(w, x->calls == 1);
    test_spin(w, 20);
    assert_int_equal(x->calls, 21); /* once in each iteration */
}

TEST_LEAVES(W1_reader_that_has_read_is_left_alone)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = reader(w, fds[0]);

    x->reads = true;
    for (unsigned i = 1; i <= 10; i++) {
        assert_true(raw_send_all(fds[1], "abc", 3, 1000));
        test_run_until(w, x->calls == i);
        assert_int_equal(x->last, RAW_AGAIN);
        test_spin(w, 5);
        assert_int_equal(x->calls, i);
    }
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
}

TEST_LEAVES(W1_writer_is_called_while_there_is_room)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = writer(w, fds[0]);
    unsigned before;

    test_spin(w, 10);
    assert_int_equal(x->calls, 10);
    fill(fds[0]);
    test_spin(w, 5); /* acknowledgements may still make room */
    fill(fds[0]);
    before = x->calls;
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_true(x->calls - before < 20);
    x->calls = 0;
    test_run_until(w, raw_recv(fds[1], test_alloc(w, 65536), 65536, 0) < 0 &&
                          x->calls);
}

TEST_LEAVES(W1_reader_and_writer_do_not_share)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *r = reader(w, fds[0]);
    struct watch *wr = writer(w, fds[0]);

    assert_int_equal(test_metrics(w).live_watchers, 2);
    test_spin(w, 5);
    assert_int_equal(r->calls, 0);
    assert_int_equal(wr->calls, 5);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, r->calls);
    assert_int_equal(wr->calls, 5);
    assert_int_equal(rondo_add_writer(w->loop, fds[0], ready, wr), 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    r->calls = 0;
    test_spin(w, 5);
    assert_int_equal(r->calls, 0);
    assert_int_equal(wr->calls, 10);
}

TEST_LEAVES(W1_both_ready_at_once)
{
    raw_fd fd = readable(w)[0];
    struct watch *r = reader(w, fd);
    struct watch *wr = writer(w, fd);

    test_run_until(w, r->calls && wr->calls);
    r->calls = wr->calls = 0;
    test_spin(w, 10);
    assert_int_equal(r->calls, 10);
    assert_int_equal(wr->calls, 10);
}

/* ---- W1: adding again --------------------------------------------------- */

TEST_LEAVES(W1_adding_again_replaces)
{
    raw_fd fd = readable(w)[0];
    struct watch *old = reader(w, fd);
    struct watch *newer = reader(w, fd);

    assert_int_equal(test_metrics(w).live_watchers, 1);
    test_run_until(w, newer->calls >= 3);
    assert_int_equal(old->calls, 0);
    old = writer(w, fd);
    newer = writer(w, fd);
    test_run_until(w, newer->calls >= 3);
    assert_int_equal(old->calls, 0);
    assert_int_equal(test_metrics(w).live_watchers, 2);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
}

static void replace_self(struct watch *x)
{
    if (x->victim->calls == 0)
        assert_int_equal(rondo_add_reader(x->w->loop, x->fd, ready, x->victim),
                         0);
}

TEST_LEAVES(W1_replaced_inside_its_own_callback)
{
    raw_fd fd = readable(w)[0];
    struct watch *x = reader(w, fd);

    x->victim = watch_new(w, fd);
    x->act = replace_self;
    test_run_until(w, x->victim->calls >= 3);
    assert_int_equal(x->calls, 1);
}

/* ---- W1: removing ------------------------------------------------------- */

TEST(W1_remove_answers_1_or_0)
{
    raw_fd fd = test_sockets(w)[0];

    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 0);
    (void)reader(w, fd);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 0);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
    (void)writer(w, fd);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 0);
    assert_int_equal(rondo_remove_reader(w->loop, raw_dead_fd()), 0);
    assert_int_equal(rondo_remove_writer(w->loop, RONDO_NO_FD), 0);
    assert_int_equal(rondo_remove_reader(w->loop, INT32_MAX), 0);
}

static void remove_victim(struct watch *x)
{
    x->result += rondo_remove_reader(x->w->loop, x->victim->fd);
}

TEST(W1_removed_in_its_own_callback)
{
    struct watch *x = reader(w, readable(w)[0]);

    x->victim = x;
    x->act = remove_victim;
    test_run_until(w, x->calls);
    assert_int_equal(x->result, 1);
    test_spin(w, 5);
    assert_int_equal(x->calls, 1);
}

/* Both are ready in the same iteration; whichever comes first wins. */
TEST_LEAVES(W1_removed_while_ready_is_not_called)
{
    const raw_fd *fds = readable(w);
    struct watch *a = reader(w, fds[0]);
    struct watch *b = reader(w, fds[1]);

    assert_true(raw_send_all(fds[0], "x", 1, 1000));
    a->victim = b;
    b->victim = a;
    a->act = b->act = remove_victim;
    test_run_until(w, a->calls + b->calls > 0);
    test_spin(w, 5);
    assert_int_equal(a->result + b->result, 1);
    assert_true(a->calls == 0 || b->calls == 0);
    assert_int_equal(test_metrics(w).live_watchers, 1);
}

TEST_LEAVES(W1_removed_and_added_again_in_one_go)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = reader(w, fds[0]);

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
        assert_int_equal(rondo_add_reader(w->loop, fds[0], ready, x), 0);
        if (i % 100 == 0)
            test_spin(w, 1);
    }
    assert_int_equal(x->calls, 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, x->calls);
}

/* ---- W1: hang-up and error ---------------------------------------------- */

TEST_LEAVES(W1_end_of_data_or_a_reset_wakes_the_reader)
{
    for (int reset = 0; reset < 2; reset++) {
        raw_fd *fds = test_sockets(w);
        struct watch *x = reader(w, fds[0]);

        x->reads = true;
        if (reset)
            raw_reset(fds[1]);
        else
            raw_shutdown_write(fds[1]);
        fds[1] = reset ? RONDO_NO_FD : fds[1];
        test_run_until(w, x->calls);
        assert_int_equal(x->last, reset ? RAW_RESET : 0);
        test_spin(w, 5);
        if (!reset)
            assert_int_equal(x->calls, 6); /* it stays readable */
    }
}

TEST_LEAVES(W1_reset_wakes_the_writer_and_the_reader)
{
    for (int both = 0; both < 2; both++) {
        const struct watch *r = NULL;
        struct watch *wr;
        raw_fd fds[2];

        assert_int_equal(raw_pair_small(fds, 4096), 0);
        fill(fds[0]);
        raw_sleep_ms(1);
        fill(fds[0]);
        if (both)
            r = reader(w, fds[0]);
        wr = writer(w, test_own(w, fds[0]));
        (void)test_run_for(w, RONDO_MS(5));
        wr->calls = 0;
        raw_reset(fds[1]);
        test_run_until(w, wr->calls >= 3 && (!r || r->calls));
    }
}

/* ---- W1: many ----------------------------------------------------------- */

TEST_LEAVES(W1_all_that_are_ready_are_called)
{
    enum { PAIRS = 400 };
    struct watch **x = test_alloc(w, PAIRS * sizeof *x);

    for (int i = 0; i < PAIRS; i++)
        x[i] = reader(w, readable(w)[0]);
    test_spin(w, 20); /* nobody waits for long */
    for (int i = 0; i < PAIRS; i++)
        assert_true(x[i]->calls > 0);
}
