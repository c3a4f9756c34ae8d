/* test_group_along.c - what goes along with a connection that moves. */
/* SPDX-License-Identifier: MIT */
#include "harness_mover.h"

#include "harness_act.h"
#include "harness_local.h"

/* ---- M7: bytes, times, states --------------------------------------------- */

/* Bytes that were read and not taken, and those that come after them. */
TEST(M7_bytes_behind_the_call_go_along)
{
    struct mover *m = mover_new(w, NULL, NULL);

    assert_true(raw_send_all(m->fd, "abc!defghi", 10, 1000));
    test_run_until(w, atomic_load(&m->step));
    assert_true(raw_send_all(m->fd, "jkl", 3, 1000));
    test_run_until(w, atomic_load(&m->received) == 13);
    assert_memory_equal(m->in, "abc!defghijkl", 13);
    assert_true(atomic_load(&m->in_old) && atomic_load(&m->in_new));
    mover_end(m);
}

static void check_lent(struct world *w, void (*before)(struct mover *m))
{
    struct mover *m = mover_new(w, before, NULL);

    assert_true(raw_send_all(m->fd, "abcdefgh!ijklmnopqrs", 20, 1000));
    test_run_until(w, atomic_load(&m->step));
    assert_true(raw_send_all(m->fd, "tuv", 3, 1000));
    test_run_until(w, atomic_load(&m->received) == 23);
    assert_memory_equal(m->in, "abcdefgh!ijklmnopqrstuv", 23);
    assert_int_equal(atomic_load(&m->told), 0);
    assert_true(atomic_load(&m->in_new));
    mover_end(m);
}

static void lend_and_move(struct mover *m)
{
    m->moves_in_lend = true;
    mover_lend(m);
}

TEST_CASE(M7_bytes_for_a_lent_buffer_go_along, check_lent(w, mover_lend));
TEST_CASE(M7_moved_in_get_buffer, check_lent(w, lend_and_move));

static void pause_it(struct mover *m)
{
    (void)rondo_transport_pause_reading(m->t);
    mover_go(m);
}

static void resume_it(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)rondo_transport_resume_reading(((struct mover *)arg)->t);
}

TEST(M7_it_stays_paused)
{
    struct mover *m = mover_new(w, pause_it, NULL);

    test_run_until(w, atomic_load(&m->step));
    assert_int_equal(atomic_load(&m->told), 0);
    assert_true(raw_send_all(m->fd, "hello", 5, 1000));
    assert_false(rondo_transport_is_reading(m->t));
    test_spin(w, 20);
    assert_int_equal(atomic_load(&m->received), 0);
    assert_ok(rondo_group_post(m->crew->group, 1, resume_it, m));
    test_run_until(w, atomic_load(&m->received) == 5);
    assert_false(atomic_load(&m->in_old));
    mover_end(m);
}

static void release_it(void *arg)
{
    struct mover *m = arg;

    mover_note_thread(m);
    atomic_fetch_add(&m->released, 1);
}

static void it_has_left(rondo_loop *loop, void *arg, int64_t result)
{
    struct mover *m = arg;

    if (result < 0 || loop != rondo_transport_loop(m->t))
        atomic_store(&m->ok, false);
    mover_note_thread(m);
    atomic_fetch_add(&m->done, 1);
}

enum { QUARTER = 1 << 16 };

/* Of each kind a part, far more than fits into the kernel. */
static void fill_it(struct mover *m)
{
    rondo_buffer lent = {m->out + 2 * QUARTER, QUARTER};

    test_fill(m->out, 0, sizeof m->out);
    if (rondo_transport_write(m->t, m->out, QUARTER) < 0 ||
        rondo_transport_write_owned(m->t, m->out + QUARTER, QUARTER, release_it,
                                    m) < 0 ||
        rondo_transport_write_then(m->t, &lent, 1, it_has_left, m) < 0 ||
        rondo_transport_write(m->t, m->out + 3 * QUARTER, QUARTER) < 0 ||
        rondo_transport_drain(m->t, 0, it_has_left, m) < 0)
        atomic_store(&m->ok, false);
    mover_go(m);
}

TEST(M7_what_waits_to_be_sent_goes_along)
{
    struct mover *m = mover_new(w, fill_it, NULL);

    test_run_until(w, atomic_load(&m->step));
    assert_int_equal(atomic_load(&m->told), 0);
    assert_true(test_drain_raw_some(w, m->fd, 0, sizeof m->out) ==
                sizeof m->out);
    test_run_until(w, atomic_load(&m->done) == 2 && atomic_load(&m->resumed));
    assert_int_equal(atomic_load(&m->released), 1);
    assert_int_equal(atomic_load(&m->paused), 1);
    assert_int_equal(atomic_load(&m->resumed), 1);
    assert_false(atomic_load(&m->in_old));
    mover_end(m);
    assert_int_equal(atomic_load(&m->done), 2);
}

/* It ends there before its bytes have left: each done says so once. */
TEST(M7_what_waits_is_dropped_there)
{
    struct mover *m = mover_new(w, fill_it, NULL);

    test_run_until(w, atomic_load(&m->step));
    m->ok = true;
    crew_close(m->crew);
    assert_int_equal(atomic_load(&m->error), RONDO_ECLOSED);
    assert_int_equal(atomic_load(&m->done), 2);
    assert_int_equal(atomic_load(&m->released), 1);
}

static void time_it(struct mover *m)
{
    (void)rondo_transport_set_timeouts(m->t, RONDO_MS(30), 0);
    mover_go(m);
}

TEST(M7_its_timeouts_go_along)
{
    struct mover *m = mover_new(w, time_it, NULL);

    test_run_until(w, atomic_load(&m->gone));
    assert_int_equal(atomic_load(&m->error), RONDO_ETIMEDOUT);
    assert_int_equal(atomic_load(&m->timeouts), 1);
    crew_close(m->crew);
}

static void move_twice(struct mover *m)
{
    mover_go(m);
    if (rondo_group_move(m->crew->group, m->t, 1, NULL, NULL) != RONDO_EBUSY)
        atomic_store(&m->ok, false);
}

TEST(M7_twice_is_busy)
{
    struct mover *m = mover_new(w, move_twice, NULL);

    test_run_until(w, atomic_load(&m->step));
    test_spin(w, 10);
    assert_int_equal(atomic_load(&m->step), 1);
    mover_end(m);
}

static void close_it(struct mover *m)
{
    rondo_transport_close(m->t);
}

TEST(M7_closed_in_its_done)
{
    struct mover *m = mover_new(w, NULL, close_it);

    mover_call(m);
    test_run_until(w, atomic_load(&m->gone));
    assert_int_equal(atomic_load(&m->error), 0);
    assert_true(atomic_load(&m->in_new));
    mover_end(m);
}

static void move_back(struct mover *m)
{
    if (rondo_group_move(m->crew->group, m->t, 0, NULL, NULL) != 0)
        atomic_store(&m->ok, false);
}

TEST(M7_moved_back_in_its_done)
{
    struct mover *m = mover_new(w, NULL, move_back);

    mover_call(m);
    assert_true(raw_send_all(m->fd, "x", 1, 1000));
    test_run_until(w, atomic_load(&m->received) == 2);
    mover_end(m);
}

/* ---- descriptors -------------------------------------------------------- */

/* Two that wait to be sent, and one that has come and was not taken. */
static void send_descriptors(struct mover *m)
{
    raw_fd file = raw_file();

    test_fill(m->out, 0, sizeof m->out);
    if (rondo_transport_write(m->t, m->out, sizeof m->out) < 0 ||
        rondo_transport_send_fd(m->t, file) < 0 ||
        rondo_transport_write(m->t, "z", 1) < 0)
        atomic_store(&m->ok, false);
    raw_close(file);
    mover_go(m);
}

TEST(M7_descriptors_go_along)
{
    struct mover *m = mover_local(w, send_descriptors, NULL);
    uint64_t got = 0;
    raw_fd fds[4];
    size_t count = 0;

    test_run_until(w, atomic_load(&m->step));
    assert_int_equal(atomic_load(&m->told), 0);
    while (got < sizeof m->out + 1) {
        char bytes[10000];
        ptrdiff_t n;

        count = COUNT_OF(fds);
        n = raw_recv_fds(m->fd, bytes, sizeof bytes, fds, &count,
                         test_patience_ms());
        assert_true(n > 0);
        got += (uint64_t)n;
        if (count)
            break;
    }
    assert_int_equal(count, 1);
    assert_true(got > sizeof m->out);
    raw_close(fds[0]);
    mover_end(m);
}

/* Taken on the new loop, in done's callback or later; see mover_data. */
static void take_descriptor(struct mover *m)
{
    m->takes = true;
}

TEST(M7_descriptors_that_have_come_go_along)
{
    struct mover *m = mover_local(w, NULL, take_descriptor);
    raw_fd file = test_own(w, raw_file());

    assert_true(raw_send_fds(m->fd, "!rest", 5, &file, 1) == 5);
    test_run_until(w, atomic_load(&m->received) == 5);
    assert_int_equal(atomic_load(&m->told), 0);
    assert_true(m->file != RONDO_NO_FD && raw_same_file(m->file, file));
    raw_close(m->file);
    mover_end(m);
}
