/* test_connect_race.c - addresses of one name race (RFC 8305). */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"

#include <limits.h>

#define NEVER_NS RONDO_SEC(3600) /* no race begins by itself meanwhile */

#define IPS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const hole_first[] = {"127.0.0.2", "127.0.0.1", NULL};

static struct peer *race(struct world *w, const char *const *ips, uint16_t port,
                         int64_t delay_ns, int64_t timeout_ns)
{
    dial_resolves_to(w, ips);
    return dial_new(w, RONDO_CONNECT(.host = "some.where", .port = port,
                                     .happy_eyeballs_delay_ns = delay_ns,
                                     .timeout_ns = timeout_ns));
}

/* The server on 127.0.0.1, and a black hole with its port at 127.0.0.2. */
static struct listener *serve_beside_a_hole(struct world *w)
{
    struct listener *l = dial_serve(w, "127.0.0.2");

    (void)dial_hole(w, "127.0.0.2", l->port);
    return l;
}

/* It is the server's client, and nothing else comes of it. */
static void check_won(struct world *w, struct peer *p, struct listener *l)
{
    dial_ends(w, p, 0);
    dial_check_peer(p, "127.0.0.1", l->port);
    test_run_until(w, l->count == 1);
    test_spin(w, 5);
    assert_string_equal(p->order, "M");
    assert_int_equal(p->connected, 1);
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_timers, 0);
}

/* ---- the delay ---------------------------------------------------------- */

TEST_LEAVES(C2_a_black_hole_costs_250_ms)
{
    struct listener *l;
    struct peer *p;
    int64_t start, took;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback");
    l = dial_serve(w, "::1");
    (void)dial_hole(w, "::1", l->port);
    start = rondo_loop_time(w->loop);
    p = race(w, IPS("::1", "127.0.0.1"), l->port, 0, 0);
    dial_ends(w, p, 0);
    took = rondo_loop_time(w->loop) - start;
    assert_true(took >= RONDO_MS(250)); /* no timer is early */
    assert_true(took < RONDO_MS(2500) * test_slowness());
    check_won(w, p, l);
}

TEST_LEAVES(C2_the_next_begins_after_the_delay_alone)
{
    struct listener *l = serve_beside_a_hole(w);
    size_t before = raw_count_descriptors();
    struct peer *p = race(w, hole_first, l->port, NEVER_NS, 0);

    /* the delay begins with the first one's socket */
    test_run_until(w, raw_count_descriptors() > before);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(p->connected, 0);
    assert_int_equal(l->count, 0);
    if (!raw_advance_clock(7200)) {
        assert_int_equal(rondo_cancel(w->loop, p->id), 0);
        test_run_until(w, p->connected);
        test_skip(w, "the clock cannot be moved");
    }
    check_won(w, p, l);
}

TEST_LEAVES(C2_a_failure_begins_the_next_at_once)
{
    struct listener *l = test_serve(w);
    const char *const *ips = IPS("127.0.0.3", "127.0.0.4", "127.0.0.1");

    check_won(w, race(w, ips, l->port, NEVER_NS, 0), l); /* without waiting */
}

TEST_LEAVES(C2_a_failure_beside_a_black_hole)
{
    struct listener *l = serve_beside_a_hole(w);
    const char *const *ips = IPS("127.0.0.2", "127.0.0.3", "127.0.0.1");

    check_won(w, race(w, ips, l->port, RONDO_MS(1), 0), l);
}

TEST_LEAVES(C2_the_first_is_not_held_up_by_others)
{
    struct listener *l = serve_beside_a_hole(w);
    const char *const *ips = IPS("127.0.0.1", "127.0.0.2");

    check_won(w, race(w, ips, l->port, NEVER_NS, 0), l);
}

TEST_LEAVES(C2_one_after_another_waits_for_the_failure)
{
    struct listener *l = serve_beside_a_hole(w);
    struct peer *p = race(w, hole_first, l->port, -1, RONDO_MS(30));

    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_non_null(strstr(p->last_error, "127.0.0.2"));
    assert_null(strstr(p->last_error, "127.0.0.1"));
    test_spin(w, 5);
    assert_int_equal(p->connected, 1);
    assert_int_equal(l->count, 0);
}

/* ---- the winner and the losers ------------------------------------------ */

static void count_at_made(struct peer *p)
{
    *(size_t *)p->user = raw_count_descriptors(); /* losers are closed by now */
}

TEST_LEAVES(C2_losers_are_closed)
{
    struct listener *l = serve_beside_a_hole(w);
    size_t before = raw_count_descriptors();
    size_t at_made = 0;
    struct peer *p;

    rondo_server_pause_serving(l->server);
    p = race(w, IPS("127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.1"),
             l->port, RONDO_MS(1), 0);
    p->user = &at_made;
    p->on_made = count_at_made;
    dial_ends(w, p, 0);
    assert_int_equal(at_made, before + 1); /* the winner alone */
    assert_int_equal(test_metrics(w).live_transports, 1);
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    test_spin(w, 5);
    assert_int_equal(p->connected, 1);
}

/* Both connect, and only one of them is a connection. */
TEST(C2_two_that_connect_are_one_connection)
{
    for (int i = 0; i < 30; i++) {
        struct listener *first = dial_serve(w, "127.0.0.2");
        struct listener *second = test_serve_with(
            w, &recorder,
            RONDO_SERVE(.host = "127.0.0.2", .port = first->port));
        struct peer *p = race(w, hole_first, first->port, 1, 0);

        dial_ends(w, p, 0);
        test_run_until(w, first->count + second->count > 0);
        test_spin(w, 5);
        assert_string_equal(p->order, "M");
        assert_int_equal(test_metrics(w).live_operations, 0);
        rondo_transport_abort(p->transport);
        rondo_server_close(second->server);
        rondo_server_close(first->server);
        test_run_until(w, first->closed && second->closed && p->lost);
    }
}

/* ---- the order ---------------------------------------------------------- */

/* Who was tried, by family, from the sentence: "6446". */
static void check_order(struct world *w, const char *const *ips, int lead,
                        const char *expected)
{
    struct peer *p;
    char order[32] = "";
    size_t n = 0;

    dial_resolves_to(w, ips);
    p = dial_new(w,
                 RONDO_CONNECT(.host = "some.where", .port = dial_dead_port(),
                               .happy_eyeballs_delay_ns = NEVER_NS,
                               .interleave = lead));
    test_run_until(w, p->connected);
    assert_true(p->connect_error < 0);
    for (const char *s = rondo_last_error(); *s && n < 31; s++)
        if (*s == '[')
            order[n++] = '6';
        else if (strncmp(s, "127.", 4) == 0)
            order[n++] = '4';
    assert_string_equal(order, expected);
}

TEST(C2_the_families_take_turns)
{
    static const char *const six_first[] = {"::1",       "::1",       "::1",
                                            "127.0.0.1", "127.0.0.2", NULL};
    static const char *const four_first[] = {"127.0.0.1", "127.0.0.2", "::1",
                                             "127.0.0.3", NULL};

    check_order(w, six_first, 0, "64646");
    check_order(w, six_first, 1, "64646");
    check_order(w, six_first, 2, "66464");
    check_order(w, six_first, 9, "66644");
    check_order(w, six_first, INT_MAX, "66644");
    check_order(w, six_first, -1, "66644");
    check_order(w, six_first, INT_MIN, "66644");
    check_order(w, four_first, 0, "4644");
    check_order(w, four_first, -1, "4464");
    check_order(w, IPS("127.0.0.1", "127.0.0.2"), 0, "44");
}

/* ---- errors ------------------------------------------------------------- */

TEST_LEAVES(C2_the_error_names_every_address_and_why)
{
    static const char *const words[] = {"some.where", "127.0.0.2",
                                        "127.0.0.3",  "127.0.0.4",
                                        "refused",    "timed out (ETIMEDOUT)"};
    /* failures first: no timer decides how many are tried */
    struct peer *p = race(w, IPS("127.0.0.3", "127.0.0.4", "127.0.0.2"),
                          dial_hole(w, "127.0.0.2", 0)->port, NEVER_NS,
                          RONDO_MS(200) * test_slowness());

    dial_ends(w, p, RONDO_ETIMEDOUT);
    for (unsigned i = 0; i < COUNT_OF(words); i++)
        assert_non_null(strstr(p->last_error, words[i]));
}

TEST(C2_sixty_addresses_that_all_refuse)
{
    static const char *ips[61];
    struct peer *p;

    for (int i = 0; i < 60; i++)
        ips[i] = test_format(w, "127.0.0.%d", i + 1);
    p = race(w, ips, dial_dead_port(), 1, 0);
    dial_ends(w, p, RONDO_ECONNREFUSED);
    test_spin(w, 5);
    assert_int_equal(p->connected, 1);
}

/* ---- a local address ---------------------------------------------------- */

static void race_from(struct world *w, const char *const *ips, uint16_t port,
                      uint16_t local_port, int error, const char *unsaid)
{
    rondo_address from = dial_address("127.0.0.1", local_port);
    struct peer *p;

    dial_resolves_to(w, ips);
    p = dial_new(
        w, RONDO_CONNECT(.host = "some.where", .port = port,
                         .local_address = &from, .happy_eyeballs_delay_ns = 1,
                         .timeout_ns = RONDO_MS(200) * test_slowness()));
    dial_ends(w, p, error);
    assert_null(strstr(p->last_error, unsaid));
}

/* Two sockets cannot have one port: the second waits for the first. */
TEST_LEAVES(C3_a_local_port_is_not_in_its_own_way)
{
    uint16_t port = serve_beside_a_hole(w)->port;

    race_from(w, IPS("127.0.0.3", "127.0.0.1"), port, dial_free_port(), 0,
              "EADDRINUSE");
    race_from(w, hole_first, port, dial_free_port(), RONDO_ETIMEDOUT,
              "EADDRINUSE");
    race_from(w, hole_first, port, 0, 0, "EADDRINUSE"); /* any: they race */
}

TEST_LEAVES(C3_the_local_address_chooses_the_family)
{
    uint16_t port = test_serve(w)->port;

    race_from(w, IPS("::1", "127.0.0.3", "::1", "127.0.0.1"), port, 0, 0,
              "::1");
    race_from(w, IPS("::1", "::1"), port, 0, RONDO_EAFNOSUPPORT, "::1");
}

/* ---- no room ------------------------------------------------------------ */

TEST_LEAVES(G8_no_memory_at_any_point_of_a_race)
{
    struct listener *l = serve_beside_a_hole(w);
    unsigned failed = 0;

    for (uint64_t n = 1; n <= 12; n++) {
        struct peer *p = test_peer(w);

        dial_resolves_to(w, hole_first);
        test_fail_allocation(w, n);
        if (dial(w,
                 RONDO_CONNECT(.host = "some.where", .port = l->port,
                               .happy_eyeballs_delay_ns = 1,
                               .timeout_ns = RONDO_MS(300) * test_slowness()),
                 p) > 0)
            test_run_until(w, p->connected);
        test_fail_allocation(w, 0);
        if (p->id < 0)
            assert_error(p->id, RONDO_ENOMEM);
        failed += p->id < 0 || p->connect_error < 0;
        test_spin(w, 3);
        assert_int_equal(test_metrics(w).live_operations, 0);
        if (p->transport)
            rondo_transport_abort(p->transport);
    }
    assert_true(failed > 0);
}

/* One that has a socket goes on when the process has no more. */
TEST_LEAVES(C2_no_descriptor_for_the_next_one)
{
    struct listener *l = serve_beside_a_hole(w);
    struct peer *p;

    test_exhaust_descriptors(w, 1);
    p = race(w, hole_first, l->port, 1, 0);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(p->connected, 0);
    test_free_descriptors(w);
    assert_int_equal(rondo_cancel(w->loop, p->id), 0);
    dial_ends(w, p, RONDO_ECANCELED);
    assert_non_null(strstr(p->last_error, "EMFILE"));
}
