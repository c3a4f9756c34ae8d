/* test_connect_names.c - connecting to names, and many look-ups at once. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"

static struct peer *start(struct world *w, const char *host, uint16_t port)
{
    return dial_new(w, RONDO_CONNECT(.host = host, .port = port));
}

/* ---- C2: names and literals --------------------------------------------- */

TEST_LEAVES(C2_localhost)
{
    /* whichever family localhost comes first with */
    struct listener *l = test_serve_with(w, &recorder, RONDO_SERVE(.host = ""));
    struct peer *p = start(w, "localhost", l->port);

    assert_int_equal(p->connected, 0);
    test_run_until(w, p->connected);
    if (p->connect_error == RONDO_ENONAME || p->connect_error == RONDO_EAGAIN)
        test_skip(w, "this system does not know localhost");
    dial_ends(w, p, 0);
    test_run_until(w, l->count == 1);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST_LEAVES(C2_literals_are_never_looked_up)
{
    static const char *const literals[] = {"127.0.0.1", "::1", "::1%1",
                                           "::ffff:127.0.0.1"};
    struct listener *l = test_serve(w);

    names_replace(w);
    for (unsigned i = 0; i < COUNT_OF(literals); i++) {
        struct peer *p = test_peer(w);

        if (dial(w, RONDO_CONNECT(.host = literals[i], .port = l->port), p) > 0)
            test_run_until(w, p->connected);
        if (i == 0)
            assert_int_equal(p->connect_error, 0);
    }
    assert_int_equal(raw_names_calls(), 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST_LEAVES(C2_an_interface_may_be_named_by_name)
{
    struct peer *p;
    char name[64];

    names_replace(w);
    if (!raw_has_inet6() || !raw_interface_name(1, name, sizeof name))
        test_skip(w, "no IPv6 loopback, or no names of interfaces");
    p = start(w, test_format(w, "::1%%%s", name),
              test_serve_with(w, &recorder, RONDO_SERVE(.host = "::1"))->port);
    test_run_until(w, p->connected);
    assert_int_equal(raw_names_calls(), 0);
}

/* Of two addresses a server is at the second one alone. */
TEST_LEAVES(C2_a_name_is_looked_up_off_the_loops_thread)
{
    static const char *const names[] = {"a.quick.test", "a.two.test"};
    struct listener *l = test_serve(w);

    names_replace(w);
    for (unsigned i = 0; i < 2; i++) {
        struct peer *p = start(w, names[i], l->port);

        dial_ends(w, p, 0);
        dial_check_peer(p, "127.0.0.1", l->port);
        assert_int_equal(raw_names_calls(), i + 1);
        assert_false(raw_names_on_caller());
        test_run_until(w, l->count == i + 1);
    }
}

TEST_LEAVES(C2_the_loop_goes_on_during_a_look_up)
{
    struct listener *l = test_serve(w);
    struct peer *p;

    names_replace(w);
    p = start(w, "a.slow.test", l->port);
    test_run_until(w, raw_names_waiting() == 1);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    assert_int_equal(test_metrics(w).live_operations, 1);
    (void)test_client(w, l);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* and does not spin */
    assert_int_equal(p->connected, 0);
    names_release(w);
    dial_ends(w, p, 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    test_run_until(w, l->count == 2);
}

TEST(C2_an_unknown_name)
{
    static const struct {
        const char *name;
        int error;
    } rows[] = {{"a.none.test", RONDO_ENONAME}, {"a.later.test", RONDO_EAGAIN}};

    names_replace(w);
    for (EACH_ROW(w, row, rows)) {
        struct peer *p = start(w, row->name, 9);

        assert_int_equal(p->connected, 0);
        dial_ends(w, p, row->error);
        assert_non_null(strstr(p->last_error, row->name));
        test_spin(w, 3);
        assert_string_equal(p->order, "");
    }
}

TEST(C2_hosts_that_make_no_sense)
{
    char longest[1001];
    static const char *const hosts[] = {
        "",      " ", "127.0.0.1 ",         "1.2.3.4.5.",
        "[::1]", "%", "::1%nosuchinterface"};

    names_replace(w);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    dial_refused(w, RONDO_CONNECT(.host = longest, .port = 9), RONDO_OK);
    assert_int_equal(raw_names_calls(), 0); /* never a part of it */
    for (unsigned i = 0; i < COUNT_OF(hosts); i++) {
        struct peer *p = test_peer(w);
        rondo_id id = dial(w, RONDO_CONNECT(.host = hosts[i], .port = 9), p);

        if (id > 0)
            test_run_until(w, p->connected);
        assert_true(id < 0 || p->connect_error < 0);
    }
}

/* ---- C2: several addresses ---------------------------------------------- */

TEST(C2_the_error_names_every_address_tried)
{
    static const struct {
        const char *name;
        int addresses;
    } rows[] = {{"a.two.test", 2}, {"a.many.test", 8}};
    unsigned port = dial_dead_port();

    names_replace(w);
    for (EACH_ROW(w, row, rows)) {
        dial_ends(w, start(w, row->name, (uint16_t)port), RONDO_ECONNREFUSED);
        for (int i = 1; i <= row->addresses; i++) {
            const char *text = test_format(w, "127.0.0.%d:%u", i, port);

            if (!strstr(rondo_last_error(), text))
                test_fail(w, "%s is not in: %s", text, rondo_last_error());
        }
    }
}

TEST_LEAVES(C2_only_the_family_asked_for)
{
    uint16_t port = test_serve(w)->port;
    struct peer *p;

    names_replace(w);
    p = dial_new(w, RONDO_CONNECT(.host = "a.both.test", .port = port,
                                  .family = RONDO_FAMILY_INET));
    dial_ends(w, p, 0);
    p = dial_new(w, RONDO_CONNECT(.host = "a.both.test", .port = port,
                                  .family = RONDO_FAMILY_INET6));
    test_run_until(w, p->connected);
    assert_true(p->connect_error < 0);
    assert_null(strstr(p->last_error, "127.0.0.1"));
}

TEST_LEAVES(C3_addresses_of_another_family_are_skipped)
{
    static const struct {
        const char *name, *from;
        int error;
    } rows[] = {{"a.both.test", "127.0.0.1", 0},
                {"a.two.test", "::1", RONDO_EAFNOSUPPORT}}; /* none is left */
    uint16_t port = test_serve(w)->port;

    names_replace(w);
    for (EACH_ROW(w, row, rows)) {
        rondo_address from = dial_address(row->from, 0);

        dial_ends(w,
                  dial_new(w, RONDO_CONNECT(.host = row->name, .port = port,
                                            .local_address = &from)),
                  row->error);
    }
}

/* ---- C2: many ----------------------------------------------------------- */

enum { MANY = 200, POOL_MOST = 16 };

static struct peer **start_many(struct world *w, uint16_t port)
{
    struct peer **p = test_alloc(w, MANY * sizeof *p);

    names_replace(w);
    for (int i = 0; i < MANY; i++)
        p[i] = start(w, test_format(w, "h%d.slow.test", i), port);
    test_run_until(w, raw_names_waiting() > 0);
    (void)test_run_for(w, RONDO_MS(20)); /* for more threads to start */
    return p;
}

TEST_LEAVES(C2_many_look_ups_take_few_threads)
{
    struct listener *l = test_serve(w);
    struct peer **p = start_many(w, l->port);

    assert_true(raw_names_most() <= POOL_MOST);
    assert_int_equal(test_metrics(w).live_jobs, MANY);
    raw_names_release();
    for (int i = 0; i < MANY; i++)
        dial_ends(w, p[i], 0);
    assert_true(raw_names_most() <= POOL_MOST);
    assert_int_equal(raw_names_calls(), MANY);
    test_run_until(w, l->count == MANY);
}

/* A thread that is idle, but about to take the slow one, is not for both. */
TEST_LEAVES(C2_a_slow_look_up_does_not_hold_up_the_next)
{
    uint16_t port = test_serve(w)->port;

    for (int i = 0; i < 20; i++) {
        struct peer *slow, *quick;

        names_replace(w);
        dial_ends(w, start(w, "a.quick.test", port), 0);
        slow = start(w, "b.slow.test", port); /* a thread is idle now */
        quick = start(w, "c.quick.test", port);
        dial_ends(w, quick, 0);
        assert_int_equal(slow->connected, 0);
        raw_names_release();
        dial_ends(w, slow, 0);
    }
}

TEST(C2_cancelled_before_its_turn_is_never_looked_up)
{
    struct peer **p = start_many(w, 9);

    for (int i = MANY; i-- > 0;)
        assert_int_equal(rondo_cancel(w->loop, p[i]->id), 0);
    for (int i = 0; i < MANY; i++)
        dial_ends(w, p[i], RONDO_ECANCELED);
    names_release(w);
    (void)test_run_for(w, RONDO_MS(10));
    assert_true(raw_names_calls() <= POOL_MOST);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST_LEAVES(C2_two_loops_look_up_and_one_closes)
{
    struct listener *l = test_serve(w);
    struct peer *theirs = test_peer(w);
    struct peer *mine;

    names_replace(w);
    assert_ok(dial_on(test_other_loop(w),
                      RONDO_CONNECT(.host = "b.slow.test", .port = 9), theirs));
    mine = start(w, "a.slow.test", l->port);
    test_run_until(w, raw_names_waiting() > 0);
    test_close_other(w);
    assert_int_equal(theirs->connected, 1);
    assert_int_equal(theirs->connect_error, RONDO_ECANCELED);
    raw_names_release();
    dial_ends(w, mine, 0);
    test_run_until(w, l->count == 1);
}
