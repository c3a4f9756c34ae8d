/* test_group_stays.c - connections that do not move. */
/* SPDX-License-Identifier: MIT */
#include "harness_mover.h"

#include "harness_act.h"

/* ---- what is refused ---------------------------------------------------- */

static void try_wrong(struct mover *m)
{
    rondo_group *g = m->crew->group;

    if (rondo_group_move(g, m->t, 0, NULL, NULL) != RONDO_EINVAL ||
        rondo_group_move(g, m->t, 2, NULL, NULL) != RONDO_EINVAL ||
        rondo_group_move(g, NULL, 1, NULL, NULL) != RONDO_EINVAL ||
        rondo_group_move(NULL, m->t, 1, NULL, NULL) != RONDO_EINVAL)
        atomic_store(&m->ok, false);
    rondo_transport_close(m->t);
    if (rondo_group_move(g, m->t, 1, NULL, NULL) != RONDO_ECLOSED)
        atomic_store(&m->ok, false);
}

TEST(M7_what_makes_no_sense_is_refused)
{
    struct mover *m = mover_new(w, try_wrong, NULL);
    struct peer *a, *b;

    test_pair(w, &a, &b); /* of the home loop */
    assert_refused(
        rondo_group_move(m->crew->group, a->transport, 1, told_done, NULL),
        RONDO_EINVAL, "no loop of the group");
    test_run_until(w, atomic_load(&m->gone));
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost && b->lost);
    mover_end(m);
}

static int64_t stop_1(rondo_loop *loop, size_t index, void *arg)
{
    (void)arg;
    if (index == 1)
        rondo_loop_stop(loop);
    return 0;
}

TEST(M7_to_a_loop_that_has_ended)
{
    struct mover *m = mover_new(w, NULL, NULL);

    assert_ok(rondo_group_each(m->crew->group, stop_1, NULL, NULL, NULL));
    test_run_until(w, m->crew->ended);
    mover_call(m);
    assert_int_equal(atomic_load(&m->result), RONDO_ECLOSED);
    assert_true(raw_send_all(m->fd, "x", 1, 1000));
    test_run_until(w, atomic_load(&m->received) == 2);
    mover_end(m);
}

/* ---- what stays with its loop ------------------------------------------- */

static const rondo_filter nothing = {.start = NULL};

static void filter_it(struct mover *m)
{
    if (rondo_transport_push_filter(m->t, &nothing, NULL, NULL, NULL) < 0)
        atomic_store(&m->ok, false);
    mover_go(m);
}

static void file_sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct mover *m = arg;

    (void)loop;
    (void)result;
    raw_close(m->file);
}

static void send_a_file(struct mover *m)
{
    m->file = raw_file();
    if (rondo_transport_sendfile(m->t, m->file, 0, INT64_MAX, file_sent, m) < 0)
        atomic_store(&m->ok, false);
    mover_go(m);
}

static void try_stay(struct world *w, void (*before)(struct mover *m),
                     int error)
{
    struct mover *m = mover_new(w, before, NULL);

    test_run_until(w, atomic_load(&m->step));
    assert_int_equal(atomic_load(&m->result), error);
    assert_true(raw_send_all(m->fd, "x", 1, 1000));
    test_run_until(w, atomic_load(&m->received) == 1);
    assert_true(atomic_load(&m->in_old));
    mover_end(m);
}

/* A reader is its protocol while it is asked. */
static void read_it(struct mover *m)
{
    rondo_reader *reader = NULL;

    if (rondo_reader_new(rondo_transport_loop(m->t), 0, NULL, NULL, &reader) <
            0 ||
        rondo_transport_set_protocol(m->t, rondo_reader_protocol(), reader) < 0)
        atomic_store(&m->ok, false);
    mover_go(m);
    (void)rondo_transport_set_protocol(m->t, &mover_protocol, m);
    rondo_reader_free(reader);
}

TEST_CASE(M7_readers_stay, try_stay(w, read_it, RONDO_ENOTSUP));
TEST_CASE(M7_filters_stay, try_stay(w, filter_it, RONDO_ENOTSUP));
TEST_CASE(M7_a_file_under_way_is_busy, try_stay(w, send_a_file, RONDO_EBUSY));
