/* test_group_close.c - servers and groups close, with clients or without. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

#include "harness_act.h"

/* ---- M4: closing a server ----------------------------------------------- */

static void close_gently(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, spread);
    struct peer *p[6];
    rondo_address a;

    for (int i = 0; i < 6; i++) {
        p[i] = site_connect(s);
        site_echoes(s, p[i], 10);
    }
    assert_ok(rondo_group_server_close(s->server, RONDO_NEVER, told_done,
                                       &s->closed));
    assert_refused(rondo_group_server_address(s->server, 0, &a), RONDO_ENOENT,
                   NULL);
    assert_refused(
        rondo_group_server_close(s->server, 0, told_done, &s->closed),
        RONDO_EBUSY, NULL);
    assert_refused(rondo_group_server_close(s->server, -1, NULL, NULL),
                   RONDO_EINVAL, NULL);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(s->closed.count, 0);
        site_echoes(s, p[i], 10);
        rondo_transport_close(p[i]->transport);
        test_run_until(w, p[i]->lost);
    }
    told_is(w, &s->closed, 0);
    assert_true(raw_connect(s->port) == RONDO_NO_FD);
    assert_int_equal(atomic_load(&s->lost), 6);
    assert_int_equal(atomic_load(&s->wrong), 0);
    crew_close(c);
}

TEST_CASE(M4_clients_stay, close_gently(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M4_clients_that_were_handed_on_stay,
          close_gently(w, RONDO_SPREAD_IN_TURN));

/* Those that are left when the time is over are cut, and counted. */
static void cut_some(struct world *w, rondo_spread spread, bool by_group)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, spread);
    struct peer *p[7];

    for (int i = 0; i < 7; i++) {
        p[i] = site_connect(s);
        site_echoes(s, p[i], 10);
    }
    if (by_group)
        assert_ok(
            rondo_group_close(c->group, RONDO_MS(50), told_done, &c->closed));
    else
        assert_ok(rondo_group_server_close(s->server, RONDO_MS(50), told_done,
                                           &s->closed));
    rondo_transport_close(p[0]->transport);
    rondo_transport_close(p[1]->transport);
    if (!by_group) {
        test_run_until(w, s->closed.count);
        assert_int_equal(s->closed.result, atomic_load(&s->cut));
        crew_close(c);
    } else {
        told_is(w, &c->closed, 0);
    }
    assert_true(atomic_load(&s->cut) >= 5);
    assert_int_equal(atomic_load(&s->lost), 7);
    assert_int_equal(atomic_load(&s->wrong), 0);
}

TEST_CASE(M4_the_rest_is_cut, cut_some(w, RONDO_SPREAD_DEFAULT, false));
TEST_CASE(M4_the_rest_is_cut_by_hand, cut_some(w, RONDO_SPREAD_IN_TURN, false));
TEST_CASE(M4_the_group_closes_its_servers,
          cut_some(w, RONDO_SPREAD_DEFAULT, true));
TEST_CASE(M4_the_group_closes_its_servers_by_hand,
          cut_some(w, RONDO_SPREAD_TO_FEWEST, true));

static int64_t close_from_there(rondo_loop *loop, size_t index, void *arg)
{
    const struct crew *c = arg;

    (void)loop;
    (void)index;
    return rondo_group_close(c->group, 0, NULL, NULL) == RONDO_ETHREAD;
}

TEST(M4_only_the_home_loop_s_thread_closes_a_group)
{
    struct crew *c = crew_new(w, 2);
    struct told each = {0};

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(60)));
    assert_ok(
        rondo_group_each(c->group, close_from_there, c, told_done, &each));
    told_is(w, &each, 2);
    crew_close(c);
}

TEST(M4_a_new_time_for_a_server)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, RONDO_SPREAD_DEFAULT);

    (void)site_connect(s);
    test_run_until(w, atomic_load(&s->made) == 1);
    assert_ok(rondo_group_server_close(s->server, RONDO_SEC(3600), NULL, NULL));
    assert_ok(rondo_group_server_close(s->server, 0, told_done, &s->closed));
    told_is(w, &s->closed, 1);
    crew_close(c);
}

TEST(M4_a_server_is_closed_without_done)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, RONDO_SPREAD_DEFAULT);

    assert_ok(rondo_group_server_close(s->server, 0, NULL, NULL));
    test_spin(w, 20);
    assert_ok(rondo_group_server_close(s->server, 0, NULL, NULL));
    assert_int_equal(rondo_group_server_clients(s->server, 0), 0);
    assert_refused(rondo_group_server_close(NULL, 0, NULL, NULL), RONDO_EINVAL,
                   NULL);
    crew_close(c);
}

static void close_group_too(rondo_loop *loop, void *arg, int64_t result)
{
    struct site *s = arg;
    struct crew *c = s->crew;

    told_done(loop, &s->closed, result);
    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
}

TEST(M4_the_group_is_closed_in_a_server_s_done)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, RONDO_SPREAD_IN_TURN);

    assert_ok(rondo_group_server_close(s->server, 0, close_group_too, s));
    told_is(w, &c->closed, 0);
    assert_int_equal(s->closed.count, 1);
}

/* Clients arrive all the time, by another thread. */
struct crowd {
    uint16_t port;
    atomic_uint connected;
    atomic_bool enough;
};

static void keep_coming(void *arg)
{
    struct crowd *c = arg;

    while (!atomic_load(&c->enough)) {
        raw_fd fd = raw_connect(c->port);

        if (fd != RONDO_NO_FD) {
            atomic_fetch_add(&c->connected, 1);
            (void)raw_send(fd, "x", 1);
            raw_close(fd);
        }
    }
}

static void close_in_a_crowd(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 3);
    struct crowd *crowd = test_alloc(w, sizeof *crowd);

    for (int round = 0; round < 4; round++) {
        struct site *s = site_new(c, spread);
        struct raw_thread *thread;

        crowd->port = s->port;
        atomic_store(&crowd->enough, false);
        atomic_store(&crowd->connected, 0);
        thread = raw_thread_start(keep_coming, crowd);
        test_run_until(w, atomic_load(&crowd->connected) > 20);
        if (round < 3)
            site_close(s);
        else
            crew_close(c);
        assert_int_equal(atomic_load(&s->made), atomic_load(&s->lost));
        assert_int_equal(atomic_load(&s->wrong), 0);
        atomic_store(&crowd->enough, true);
        raw_thread_join(thread);
    }
}

TEST_CASE(M4_closed_while_clients_arrive,
          close_in_a_crowd(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M4_closed_while_clients_are_handed_on,
          close_in_a_crowd(w, RONDO_SPREAD_TO_FEWEST));

/* ---- M6: a loop that does not end its callback -------------------------- */

struct stuck {
    atomic_bool inside, go_on, ended;
};

static void get_stuck(rondo_loop *loop, void *arg)
{
    struct stuck *s = arg;

    (void)loop;
    atomic_store(&s->inside, true);
    while (!atomic_load(&s->go_on))
        raw_yield();
    atomic_store(&s->ended, true);
}

/* Lives until the thread has ended, and longer than any world. */
static struct stuck *stuck_new(void)
{
    static struct stuck all[16];
    static unsigned used;

    assert_true(used < COUNT_OF(all));
    return &all[used++];
}

/* The threads that are given up may only use memory of the C library's. */
static struct crew *crew_of_libc(struct world *w, struct stuck **s)
{
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);

    c->w = w;
    o.loops = 2;
    loop.allocator = NULL;
    assert_ok(rondo_create_group(w->loop, &o, &c->group));
    *s = stuck_new();
    assert_ok(rondo_group_post(c->group, 1, get_stuck, *s));
    test_run_until(w, atomic_load(&(*s)->inside));
    w->allow_descriptors = true; /* the thread has some until it ends */
    return c;
}

static void let_go(struct world *w, struct stuck *s, int threads)
{
    atomic_store(&s->go_on, true);
    while (!atomic_load(&s->ended) ||
           (threads > 0 && raw_count_threads() > threads))
        raw_yield();
    (void)w;
}

static rondo_loop *home_without_grace(struct world *w)
{
    rondo_loop_options o = test_loop_options(w);
    rondo_loop *home;

    o.close_grace_ns = RONDO_MS(20);
    assert_ok(rondo_loop_new(&home, &o));
    test_close_loop(w);
    w->loop = home;
    return home;
}

static int64_t nothing(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)index;
    (void)arg;
    return 1;
}

TEST(M6_a_loop_in_a_callback_is_given_up)
{
    int threads = raw_count_threads();
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    struct told each = {0}, metrics = {0};
    struct stuck *stuck;
    struct crew *c;
    struct site *s;

    (void)home_without_grace(w);
    c = crew_of_libc(w, &stuck);
    s = site_new(c, RONDO_SPREAD_IN_TURN);
    site_echoes(s, site_connect(s), 10); /* on the first one */
    assert_ok(rondo_group_each(c->group, nothing, NULL, told_done, &each));
    assert_ok(rondo_group_get_metrics(c->group, &m, told_done, &metrics));
    assert_ok(rondo_group_server_close(s->server, RONDO_NEVER, told_done,
                                       &s->closed));
    assert_ok(rondo_group_close(c->group, RONDO_MS(10), told_done, &c->closed));
    told_is(w, &c->closed, RONDO_ETIMEDOUT);
    assert_non_null(strstr(c->closed.sentence, "callback"));
    assert_int_equal(each.count, 1);
    assert_int_equal(each.result, RONDO_ETIMEDOUT);
    assert_int_equal(metrics.result, RONDO_ETIMEDOUT);
    assert_int_equal(s->closed.result, RONDO_ETIMEDOUT);
    test_run_loop(w);
    let_go(w, stuck, threads);
    assert_int_equal(atomic_load(&s->cut), 1); /* by its own thread, in time */
}

TEST_LEAVES(M6_the_home_loop_closes_with_a_loop_in_a_callback)
{
    int threads = raw_count_threads();
    struct told each = {0};
    struct stuck *stuck;
    struct crew *c;

    (void)home_without_grace(w);
    c = crew_of_libc(w, &stuck);
    assert_ok(rondo_group_each(c->group, nothing, NULL, told_done, &each));
    test_close_loop(w);
    assert_int_equal(each.count, 1);
    assert_int_equal(each.result, RONDO_ETIMEDOUT);
    let_go(w, stuck, threads);
}

/* It ends in time. */
TEST(M6_a_loop_in_a_callback_is_waited_for)
{
    struct stuck *stuck;
    struct crew *c = crew_of_libc(w, &stuck);

    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
    test_spin(w, 10);
    assert_int_equal(c->closed.count, 0);
    atomic_store(&stuck->go_on, true);
    told_is(w, &c->closed, 0);
    assert_true(atomic_load(&stuck->ended));
}
