/* test_poller.c - the kqueue backend, and a kernel that makes trouble. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "harness_act.h"
#include "harness_pipe.h"
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A transport that has just been made: what it waits for is not yet told. */
static struct peer *made(struct world *w, raw_fd *other)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    test_run_until(w, p->made);
    *other = fds[1];
    return p;
}

/* It works: a byte arrives. */
static void check_alive(struct world *w, struct peer *p, raw_fd other)
{
    uint64_t before = p->bytes;

    assert_true(raw_send_all(other, "x", 1, 1000));
    test_run_until(w, p->bytes > before);
    assert_int_equal(p->lost, 0);
}

/* ---- changes ------------------------------------------------------------ */

/* What a transport waits for is told by the wait that follows: no call more
 * than there are waits. */
TEST_LEAVES(S1_waiting_costs_no_call_of_its_own)
{
    unsigned before, changes;
    uint64_t waits;
    struct peer *p;
    raw_fd other;

    test_spin(w, 1);
    before = sim_calls();
    changes = sim_changes();
    waits = test_iterations(w);
    p = made(w, &other);
    check_alive(w, p, other);
    assert_int_equal(sim_calls() - before, test_iterations(w) - waits);
    assert_int_equal(sim_changes() - changes, 1);
    raw_close(other);
}

TEST_LEAVES(W2_a_closed_descriptor_among_changes)
{
    struct peer *gone = test_peer(w), *alive = test_peer(w);
    raw_fd fds[2], others[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, gone);
    others[0] = fds[1];
    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, alive);
    others[1] = fds[1];
    test_run_until(w, gone->made && alive->made);
    (void)close((int)rondo_transport_fd(gone->transport));
    check_alive(w, alive, others[1]);
    assert_lost(w, gone, NULL, RONDO_EBADF);
    raw_close_pair(others);
}

TEST_LEAVES(S1_a_refused_change_ends_its_own_transport)
{
    struct peer *alive, *refused;
    raw_fd others[2];

    alive = made(w, &others[0]);
    check_alive(w, alive, others[0]);
    refused = made(w, &others[1]);
    sim_refuse(EVFILT_READ, ENOMEM);
    assert_lost(w, refused, NULL, RONDO_ENOMEM);
    check_alive(w, alive, others[0]);
    raw_close_pair(others);
}

/* A whole call fails: the run ends with it, and what was to be told, whether
 * the kernel has heard it or not, is told by the next. */
static void fail_once(struct world *w, bool late)
{
    struct peer *p;
    raw_fd other;

    w->leaves = true;
    p = made(w, &other);
    sim_fail(0, ENOMEM, late);
    assert_error(rondo_loop_run_once(w->loop, 0), RONDO_ENOMEM);
    assert_non_null(strstr(rondo_last_error(), "kevent"));
    check_alive(w, p, other);
    /* the same when it is to be forgotten */
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_true(raw_send_all(other, "x", 1, 1000));
    test_spin(w, 1);
    sim_fail(0, ENOMEM, late);
    assert_error(rondo_loop_run_once(w->loop, 0), RONDO_ENOMEM);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_ok(rondo_transport_resume_reading(p->transport));
    check_alive(w, p, other);
    raw_close(other);
}

TEST_CASE(L3_no_memory_for_a_call, fail_once(w, false));

TEST_CASE(L3_no_memory_after_the_changes, fail_once(w, true));

/* One that is closed between: no event of it comes afterwards. */
TEST_LEAVES(L3_closed_after_a_call_that_failed)
{
    raw_fd other;
    struct peer *p = made(w, &other);

    sim_fail(0, ENOMEM, true);
    assert_error(rondo_loop_run_once(w->loop, 0), RONDO_ENOMEM);
    rondo_transport_abort(p->transport);
    assert_int_equal(rondo_loop_run_once(w->loop, 0) >= 0, 1);
    test_run_until(w, p->lost);
    raw_close(other);
    p = made(w, &other);
    check_alive(w, p, other);
    raw_close(other);
}

TEST_LEAVES(L3_interrupted_after_the_changes)
{
    raw_fd other;
    struct peer *p = made(w, &other);
    unsigned changes = sim_changes();

    sim_fail(0, EINTR, true);
    assert_ok(rondo_loop_run_once(w->loop, 0));
    assert_int_equal(sim_changes() - changes, 1);
    check_alive(w, p, other);
    assert_int_equal(sim_changes() - changes, 1);
    raw_close(other);
}

/* ---- inside another loop ------------------------------------------------ */

/* Telling before the other loop waits says what is refused: there is work. */
TEST(L9_a_change_refused_when_prepared)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    raw_fd other;
    struct peer *p = made(w, &other);

    sim_refuse(EVFILT_READ, ENOMEM);
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    assert_true(wait.timeout_ns == 0);
    assert_lost(w, p, NULL, RONDO_ENOMEM);
    raw_close(other);
}

/* No event tells of this end on some systems, so the other loop may not wait
 * for one alone. */
TEST(L9_a_fifo_that_may_end_without_a_word)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    struct peer *p;
    raw_fd fds[2];

    test_fifo(w, fds);
    p = test_reader(w, fds[0], RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    test_spin(w, 2);
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    assert_in_range(wait.timeout_ns, 1, RONDO_MS(100));
    raw_close(fds[1]);
    for (int turn = 0; !p->lost; turn++) {
        assert_true(turn < 100);
        assert_ok(rondo_loop_prepare(w->loop, &wait));
        assert_true(wait.timeout_ns <= RONDO_MS(100));
        (void)raw_wait_handle(wait.fd, wait.timeout_ns);
        assert_ok(rondo_loop_run_once(w->loop, 0));
    }
    assert_int_equal(p->error, 0);
}

/* ---- many --------------------------------------------------------------- */

enum { MANY = 300 }; /* more than wait in the list, and than the array */

TEST_LEAVES(S1_more_than_the_arrays_have_room_for)
{
    static struct peer *peers[MANY];
    static raw_fd others[MANY];
    size_t bytes = 0;

    if (raw_raise_descriptor_limit(2 * MANY + 100) < 2 * MANY + 100)
        test_skip(w, "too few descriptors");
    for (int i = 0; i < MANY; i++) {
        raw_fd fds[2];

        assert_int_equal(raw_pair(fds), 0);
        peers[i] = test_peer(w);
        test_adopt(w, fds[0], &recorder, peers[i]);
        others[i] = fds[1];
    }
    for (int i = 0; i < MANY; i++)
        test_run_until(w, peers[i]->made);
    for (int i = 0; i < MANY; i++)
        assert_true(raw_send_all(others[i], "x", 1, 1000));
    while (bytes < MANY) {
        test_spin(w, 1);
        bytes = 0;
        for (int i = 0; i < MANY; i++)
            bytes += (size_t)peers[i]->bytes;
    }
    for (int i = 0; i < MANY; i++)
        raw_close(others[i]);
}

/* ---- forks -------------------------------------------------------------- */

struct forked {
    struct world *w;
    raw_fd kq;
    unsigned posts;
};

/* The kqueue's number is somebody else's here, and stays it. */
static int in_child(void *arg)
{
    struct forked *f = arg;
    rondo_loop *loop = f->w->loop;

    if (fcntl((int)f->kq, F_GETFD) >= 0)
        return 1;
    if (dup2(2, (int)f->kq) != (int)f->kq)
        return 2;
    if (rondo_loop_after_fork(loop) < 0)
        return 3;
    if (fcntl((int)f->kq, F_GETFD) < 0)
        return 4;
    (void)rondo_call_soon_threadsafe(loop, count_call, &f->posts);
    if (rondo_loop_run_once(loop, RONDO_SEC(5)) < 0 || f->posts != 1)
        return 5;
    if (rondo_loop_close(loop) < 0 || fcntl((int)f->kq, F_GETFD) < 0)
        return 6;
    return 0;
}

TEST(L8_the_number_is_somebody_elses)
{
    struct forked *f = test_alloc(w, sizeof *f);
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;

    f->w = w;
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    f->kq = wait.fd;
    assert_int_equal(raw_fork_run(in_child, f), 0);
}

/* ---- the remedy for refused devices ------------------------------------- */

/* What asyncio's page on platforms advises where a kqueue does not take
 * character devices: another backend, chosen once, for all loops to come.
 * macOS's poll is a kqueue, and names the backend that takes them, too. */
TEST(W4_a_refused_device_by_another_backend)
{
    unsigned *n = test_alloc(w, sizeof *n);
    raw_fd null = raw_null();
    rondo_loop *loop;

    if (rondo_add_reader(w->loop, null, count_fd, n) == 0) {
        assert_int_equal(rondo_remove_reader(w->loop, null), 1);
        raw_close(null);
        test_skip(w, "no device is refused here");
    }
    assert_non_null(strstr(rondo_last_error(), "\"select\" takes"));
    assert_ok(rondo_set_default_backend("select"));
    assert_ok(rondo_loop_new(&loop, NULL));
    assert_string_equal(rondo_loop_backend(loop), "select");
    assert_ok(rondo_add_reader(loop, null, count_fd, n));
    while (*n < 3)
        assert_true(rondo_loop_run_once(loop, RONDO_SEC(5)) >= 0);
    assert_int_equal(rondo_remove_reader(loop, null), 1);
    assert_ok(rondo_loop_close(loop));
    assert_ok(rondo_set_default_backend(NULL));
    raw_close(null);
}

TEST(W4_poll_where_it_is_a_kqueue)
{
    unsigned *n = test_alloc(w, sizeof *n);
    raw_fd null = raw_null();
    rondo_loop *loop;

    if (sim_profile()->poll != SIM_POLL_IS_KQUEUE)
        test_skip(w, "poll takes every device here");
    assert_ok(rondo_set_default_backend("poll"));
    assert_ok(rondo_loop_new(&loop, NULL));
    assert_ok(rondo_set_default_backend(NULL));
    assert_false(rondo_loop_supports(loop, RONDO_CAN_WATCH_CHAR_DEVICES));
    assert_error(rondo_add_reader(loop, null, count_fd, n), RONDO_EPERM);
    assert_non_null(strstr(rondo_last_error(), "\"select\" takes"));
    assert_error(rondo_add_writer(loop, null, count_fd, n), RONDO_EPERM);
    assert_int_equal(rondo_remove_reader(loop, null), 0);
    assert_ok(rondo_loop_close(loop));
    raw_close(null);
}

/* Devices without a count of bytes are taken if the filter says that it does
 * not need one. */
TEST(W4_a_device_by_its_low_water_mark)
{
    unsigned *n = test_alloc(w, sizeof *n);
    raw_fd null = raw_null();

    if (!sim_profile()->takes_lowat)
        test_skip(w, "no device is taken in that way here");
    assert_ok(rondo_add_reader(w->loop, null, count_fd, n));
    test_run_until(w, *n >= 3);
    assert_int_equal(rondo_remove_reader(w->loop, null), 1);
    raw_close(null);
}
