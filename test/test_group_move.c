/* test_group_move.c - connections that go from one loop of a group to another. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

#include "harness_act.h"
#include "harness_local.h"

/* Skips the test where a socket stays with its loop, which must say so. */
static void need_moves(struct world *w)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a socket stays with its completion port");
}

/* What a guest does when it gets "!": moves to the next loop. */
static atomic_uint moved;
static atomic_int refused, failed;

static void has_moved(rondo_loop *loop, void *arg, int64_t result)
{
    guest_arrives(arg, loop);
    atomic_store(result ? &failed : &refused, (int)result);
    if (!result)
        atomic_fetch_add(&moved, 1);
}

static void move_on(struct guest *g)
{
    rondo_group *group = g->site->crew->group;
    size_t count = rondo_group_size(group);
    int from = rondo_group_index(group, g->loop);
    rondo_loop *loop = g->loop;

    guest_moves(g);
    int error = rondo_group_move(group, g->transport,
                                 ((size_t)from + 1) % count, has_moved, g);
    if (error) {
        guest_arrives(g, loop);
        atomic_store(&refused, error);
    }
}

static struct site *moving_site(struct world *w, unsigned loops,
                                rondo_spread spread)
{
    struct site *s = site_new(crew_new(w, loops), spread);

    atomic_store(&moved, 0);
    atomic_store(&refused, 0);
    atomic_store(&failed, 0);
    site_on_call(move_on);
    return s;
}

static void close_site(struct site *s)
{
    struct crew *c = s->crew;

    site_on_call(NULL);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    crew_close(c);
    assert_int_equal(atomic_load(&s->made), atomic_load(&s->lost));
    assert_int_equal(atomic_load(&s->wrong), 0);
}

static void ask_to_move(struct site *s, struct peer *p)
{
    unsigned before = atomic_load(&moved);
    uint64_t bytes = p->bytes;

    assert_true(rondo_transport_write(p->transport, "!", 1) >= 0);
    test_run_until(s->crew->w,
                   atomic_load(&moved) == before + 1 && p->bytes == bytes + 1);
}

/* ---- M7: moving --------------------------------------------------------- */

TEST(M7_iocp_refuses)
{
    struct site *s;

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "sockets move here");
    s = moving_site(w, 2, RONDO_SPREAD_IN_TURN);
    struct peer *p = site_connect(s);
    assert_true(rondo_transport_write(p->transport, "!", 1) >= 0);
    test_run_until(w, atomic_load(&refused) && p->bytes == 1);
    assert_int_equal(atomic_load(&refused), RONDO_ENOTSUP);
    site_echoes(s, p, 10);
    close_site(s);
}

/* One that moves is counted twice for a moment, never not at all. */
static size_t all_clients(const struct site *s)
{
    size_t all = 0;

    for (size_t i = 0; i < rondo_group_size(s->crew->group); i++)
        all += rondo_group_server_clients(s->server, i);
    return all;
}

static void move_around(struct world *w, rondo_spread spread)
{
    struct site *s;
    struct peer *p;
    unsigned rounds = 200 / (unsigned)test_slowness() + 4;

    need_moves(w);
    s = moving_site(w, 3, spread);
    p = site_connect(s);
    for (unsigned i = 0; i < rounds; i++) {
        site_echoes(s, p, 100);
        ask_to_move(s, p);
        test_run_until(w, all_clients(s) == 1);
    }
    site_echoes(s, p, 100000);
    close_site(s);
}

TEST_CASE(M7_a_client_goes_around, move_around(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M7_a_client_that_was_handed_on_goes_around,
          move_around(w, RONDO_SPREAD_TO_FEWEST));

/* Bytes come and go all the time, and each "!" among them is a move: none is
 * lost, doubled or out of order. */
static void move_in_a_stream(struct world *w, rondo_spread spread)
{
    struct site *s;
    struct peer *p;
    uint64_t size = 4000000 / (unsigned)test_slowness();

    need_moves(w);
    s = moving_site(w, 3, spread);
    p = site_connect(s);
    test_write_pattern(w, p, size, 1000);
    assert_received(p, size);
    assert_true(atomic_load(&moved) > 0);
    assert_int_equal(atomic_load(&refused), 0);
    close_site(s);
}

TEST_CASE(M7_while_bytes_come, move_in_a_stream(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M7_while_bytes_come_to_one_that_was_handed_on,
          move_in_a_stream(w, RONDO_SPREAD_IN_TURN));

/* ---- what goes along ---------------------------------------------------- */

/* A transport of a loop of the group, with a plain socket at its other end. */
struct mover {
    struct world *w;
    struct crew *crew;
    rondo_transport *t;
    raw_fd fd;
    atomic_int step;
    atomic_bool ok, gone;
    atomic_uint received, timeouts, released, done, made, paused, resumed;
    atomic_int result, error, told;
    atomic_bool in_old, in_new;
    const void *old_thread, *new_thread;
    void (*before)(struct mover *m); /* on the old thread, before the move */
    void (*after)(struct mover *m);  /* in done, on the new one */
    char out[1 << 18];
    char in[256];
};

static void note_thread(struct mover *m)
{
    if (group_this_thread() == m->new_thread)
        atomic_store(&m->in_new, true);
    else
        atomic_store(&m->in_old, true);
}

static void mover_has_moved(rondo_loop *loop, void *arg, int64_t result)
{
    struct mover *m = arg;

    m->new_thread = group_this_thread();
    atomic_store(&m->told, (int)result);
    if (result == 0 && (rondo_transport_loop(m->t) != loop ||
                        rondo_group_index(m->crew->group, loop) != 1))
        atomic_store(&m->ok, false);
    if (m->after)
        m->after(m);
    atomic_fetch_add(&m->step, 1);
}

static void move_to_1(struct mover *m)
{
    atomic_store(&m->result,
                 rondo_group_move(m->crew->group, m->t, 1, mover_has_moved, m));
    if (atomic_load(&m->result))
        atomic_fetch_add(&m->step, 1);
}

static void mover_made(rondo_transport *t, void *self)
{
    struct mover *m = self;

    m->t = t;
    m->old_thread = group_this_thread();
    if (m->before)
        m->before(m);
    atomic_fetch_add(&m->made, 1);
}

static void mover_data(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct mover *m = self;

    if (memchr(data, '!', size) && !atomic_load(&m->told) &&
        group_this_thread() == m->old_thread) {
        size_t first = (size_t)((const char *)memchr(data, '!', size) -
                                (const char *)data) +
                       1;

        /* what is behind goes along */
        (void)rondo_transport_unread(t, (const char *)data + first,
                                     size - first);
        size = first;
        move_to_1(m);
    }
    note_thread(m);
    if (atomic_load(&m->received) + size <= sizeof m->in)
        memcpy(m->in + atomic_load(&m->received), data, size);
    atomic_fetch_add(&m->received, (unsigned)size);
}

static void mover_lost(rondo_transport *t, void *self, int error)
{
    struct mover *m = self;

    (void)t;
    atomic_store(&m->error, error);
    note_thread(m);
    atomic_store(&m->gone, true);
}

static void mover_pauses(rondo_transport *t, void *self)
{
    (void)t;
    atomic_fetch_add(&((struct mover *)self)->paused, 1);
}

static void mover_resumes(rondo_transport *t, void *self)
{
    struct mover *m = self;

    (void)t;
    note_thread(m);
    atomic_fetch_add(&m->resumed, 1);
}

static bool mover_times_out(rondo_transport *t, void *self,
                            rondo_direction direction)
{
    struct mover *m = self;

    (void)t;
    (void)direction;
    note_thread(m);
    atomic_fetch_add(&m->timeouts, 1);
    return false;
}

static const rondo_protocol mover_protocol = {.connection_made = mover_made,
                                              .data_received = mover_data,
                                              .connection_lost = mover_lost,
                                              .pause_writing = mover_pauses,
                                              .resume_writing = mover_resumes,
                                              .timed_out = mover_times_out};

static void adopt_on_0(rondo_loop *loop, void *arg)
{
    struct mover *m = arg;

    if (rondo_connect_accepted_socket(loop, m->fd, &mover_protocol, m, NULL))
        atomic_store(&m->ok, false);
}

/* m->fd is the plain end afterwards. */
static struct mover *mover_new(struct world *w, void (*before)(struct mover *m),
                               void (*after)(struct mover *m))
{
    struct mover *m = test_alloc(w, sizeof *m);
    raw_fd pair[2];

    need_moves(w);
    m->w = w;
    m->crew = crew_new(w, 2);
    m->before = before;
    m->after = after;
    m->ok = true;
    assert_int_equal(raw_pair_small(pair, 8192), 0);
    m->fd = pair[0];
    assert_ok(rondo_group_post(m->crew->group, 0, adopt_on_0, m));
    test_run_until(w, atomic_load(&m->made));
    m->fd = test_own(w, pair[1]);
    return m;
}

static void mover_end(struct mover *m)
{
    test_close_own(m->w, m->fd);
    test_run_until(m->w, atomic_load(&m->gone));
    assert_true(atomic_load(&m->ok));
    crew_close(m->crew);
}

static void send_call(struct mover *m)
{
    assert_true(raw_send_all(m->fd, "!", 1, 1000));
    test_run_until(m->w, atomic_load(&m->step));
}

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

static void pause_it(struct mover *m)
{
    (void)rondo_transport_pause_reading(m->t);
    move_to_1(m);
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

    note_thread(m);
    atomic_fetch_add(&m->released, 1);
}

static void it_has_left(rondo_loop *loop, void *arg, int64_t result)
{
    struct mover *m = arg;

    if (result < 0 || loop != rondo_transport_loop(m->t))
        atomic_store(&m->ok, false);
    note_thread(m);
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
    move_to_1(m);
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
    move_to_1(m);
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
    move_to_1(m);
    if (rondo_group_move(m->crew->group, m->t, 1, mover_has_moved, m) !=
        RONDO_EBUSY)
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

    send_call(m);
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

    send_call(m);
    assert_true(raw_send_all(m->fd, "x", 1, 1000));
    test_run_until(w, atomic_load(&m->received) == 2);
    mover_end(m);
}

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
    send_call(m);
    assert_int_equal(atomic_load(&m->result), RONDO_ECLOSED);
    assert_true(raw_send_all(m->fd, "x", 1, 1000));
    test_run_until(w, atomic_load(&m->received) == 2);
    mover_end(m);
}
