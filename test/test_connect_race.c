/* test_connect_race.c - addresses of one name race (RFC 8305). */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

#include <limits.h>

#define NEVER_NS RONDO_SEC(3600) /* no race begins by itself meanwhile */

static const char *const hole_first[] = {"127.0.0.2", "127.0.0.1", NULL};
static const char *const both_families[] = {"::1", "127.0.0.1", NULL};

/* A server on 127.0.0.1, and a black hole with its port at another address. */
struct track {
    struct listener *l;
    struct raw_black_hole hole;
    struct peer *p;
    rondo_id id;
};

static struct track *track_new(struct world *w, const char *hole_ip)
{
    struct track *t = test_alloc(w, sizeof *t);
    rondo_address a;

    t->l = test_serve(w);
    a = dial_address(hole_ip, t->l->port);
    if (!raw_black_hole_open_at(&t->hole, &a))
        test_skip(w, "no such address, or this system refuses where a queue "
                     "is full");
    t->p = test_peer(w);
    return t;
}

static void go(struct world *w, struct track *t, const char *const *ips,
               int64_t delay_ns, int64_t timeout_ns)
{
    dial_resolves_to(w, ips);
    t->id = dial(w,
                 RONDO_CONNECT(.host = "some.where", .port = t->l->port,
                               .happy_eyeballs_delay_ns = delay_ns,
                               .timeout_ns = timeout_ns),
                 t->p);
    assert_ok(t->id);
}

static void assert_peer(const struct peer *p, const char *ip, uint16_t port)
{
    rondo_address seen;
    rondo_address expected = dial_address(ip, port);

    assert_ok(rondo_transport_peer_address(p->transport, &seen));
    assert_true(rondo_address_equal(&seen, &expected));
}

static void track_end(struct world *w, struct track *t)
{
    raw_black_hole_close(&t->hole);
    test_spin(w, 5);
    assert_int_equal(t->p->connected, 1);
}

/* ---- the delay ---------------------------------------------------------- */

TEST(C2_a_black_hole_costs_250_ms)
{
    struct track *t;
    int64_t start, took;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback");
    t = track_new(w, "::1");
    start = rondo_loop_time(w->loop);
    go(w, t, both_families, 0, 0);
    dial_ends(w, t->p, 0);
    took = rondo_loop_time(w->loop) - start;
    assert_peer(t->p, "127.0.0.1", t->l->port);
    assert_true(took >= RONDO_MS(250)); /* no timer is early */
    assert_true(took < RONDO_MS(2500) * test_slowness());
    track_end(w, t);
    test_run_until(w, t->l->count == 1);
}

TEST(C2_the_next_begins_after_the_delay_alone)
{
    struct track *t = track_new(w, "127.0.0.2");

    go(w, t, hole_first, NEVER_NS, 0);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(t->p->connected, 0);
    assert_int_equal(t->l->count, 0);
    if (!raw_advance_clock(7200)) {
        assert_int_equal(rondo_cancel(w->loop, t->id), 0);
        test_run_until(w, t->p->connected);
        test_skip(w, "the clock cannot be moved");
    }
    dial_ends(w, t->p, 0);
    assert_peer(t->p, "127.0.0.1", t->l->port);
    track_end(w, t);
}

TEST(C2_a_failure_begins_the_next_at_once)
{
    static const char *const ips[] = {"127.0.0.3", "127.0.0.4", "127.0.0.1",
                                      NULL};
    struct track *t = test_alloc(w, sizeof *t);

    t->l = test_serve(w);
    t->p = test_peer(w);
    go(w, t, ips, NEVER_NS, 0);
    dial_ends(w, t->p, 0); /* long before the delay */
    assert_peer(t->p, "127.0.0.1", t->l->port);
}

TEST(C2_a_failure_beside_a_black_hole)
{
    static const char *const ips[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1",
                                      NULL};
    struct track *t = track_new(w, "127.0.0.2");

    go(w, t, ips, RONDO_MS(1), 0);
    dial_ends(w, t->p, 0);
    assert_peer(t->p, "127.0.0.1", t->l->port);
    track_end(w, t);
}

TEST(C2_one_after_another_waits_for_the_failure)
{
    struct track *t = track_new(w, "127.0.0.2");

    go(w, t, hole_first, -1, RONDO_MS(30));
    dial_ends(w, t->p, RONDO_ETIMEDOUT);
    assert_true(strstr(t->p->last_error, "127.0.0.2") != NULL);
    assert_null(strstr(t->p->last_error, "127.0.0.1"));
    track_end(w, t);
    assert_int_equal(t->l->count, 0);
}

TEST(C2_the_first_is_not_held_up_by_others)
{
    static const char *const ips[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct track *t = track_new(w, "127.0.0.2");

    go(w, t, ips, NEVER_NS, 0);
    dial_ends(w, t->p, 0);
    assert_peer(t->p, "127.0.0.1", t->l->port);
    track_end(w, t);
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_timers, 0);
}

/* ---- the winner and the losers ------------------------------------------ */

static void on_made(struct peer *p)
{
    struct track *t = p->user;

    /* losers are closed by now */
    *(size_t *)t->l->model.user = raw_count_descriptors();
}

TEST(C2_losers_are_closed)
{
    static const char *const ips[] = {"127.0.0.2", "127.0.0.2", "127.0.0.2",
                                      "127.0.0.1", NULL};
    struct track *t = track_new(w, "127.0.0.2");
    size_t before = raw_count_descriptors();
    size_t at_made = 0;

    t->p->user = t;
    t->p->on_made = on_made;
    t->l->model.user = &at_made;
    rondo_server_pause_serving(t->l->server);
    go(w, t, ips, RONDO_MS(1), 0);
    dial_ends(w, t->p, 0);
    assert_int_equal(at_made, before + 1); /* the winner alone */
    assert_int_equal(test_metrics(w).live_transports, 1);
    rondo_transport_abort(t->p->transport);
    test_run_until(w, t->p->lost);
    track_end(w, t);
}

/* Both connect, and only one of them is a connection. */
TEST(C2_two_that_connect_are_one_connection)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;

    for (int i = 0; i < 30; i++) {
        struct track *t = test_alloc(w, sizeof *t);
        struct listener *second;

        t->l = test_serve(w);
        t->p = test_peer(w);
        options.host = "127.0.0.2";
        options.port = t->l->port;
        second = test_serve_with(w, &recorder, &options);
        go(w, t, hole_first, 1, 0);
        dial_ends(w, t->p, 0);
        test_run_until(w, t->l->count + second->count > 0);
        test_spin(w, 5);
        assert_string_equal(t->p->order, "M");
        assert_int_equal(test_metrics(w).live_operations, 0);
        rondo_transport_abort(t->p->transport);
        rondo_server_close(second->server);
        rondo_server_close(t->l->server);
        test_run_until(w, t->l->closed && second->closed && t->p->lost);
    }
}

/* ---- the order ---------------------------------------------------------- */

/* Who was tried, by family, from the sentence: "6446". */
static void check_order(struct world *w, const char *const *ips, int lead,
                        const char *expected)
{
    struct peer *p = test_peer(w);
    char order[32] = "";
    size_t n = 0;

    dial_resolves_to(w, ips);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "some.where", .port = dial_dead_port(),
                                 .happy_eyeballs_delay_ns = NEVER_NS,
                                 .interleave = lead),
                   p));
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
    static const char *const one[] = {"127.0.0.1", "127.0.0.2", NULL};

    check_order(w, six_first, 0, "64646");
    check_order(w, six_first, 1, "64646");
    check_order(w, six_first, 2, "66464");
    check_order(w, six_first, 9, "66644");
    check_order(w, six_first, INT_MAX, "66644");
    check_order(w, six_first, -1, "66644");
    check_order(w, six_first, INT_MIN, "66644");
    check_order(w, four_first, 0, "4644");
    check_order(w, four_first, -1, "4464");
    check_order(w, one, 0, "44");
}

/* ---- errors ------------------------------------------------------------- */

TEST(C2_the_error_names_every_address_and_why)
{
    /* failures first: no timer decides how many are tried */
    static const char *const ips[] = {"127.0.0.3", "127.0.0.4", "127.0.0.2",
                                      NULL};
    struct track *t = track_new(w, "127.0.0.2");
    const char *said;

    go(w, t, ips, NEVER_NS, RONDO_MS(200) * test_slowness());
    test_run_until(w, t->p->connected);
    said = t->p->last_error;
    assert_int_equal(t->p->connect_error, RONDO_ETIMEDOUT);
    assert_true(strstr(said, "some.where") != NULL);
    assert_true(strstr(said, "127.0.0.2") != NULL);
    assert_true(strstr(said, "127.0.0.3") != NULL);
    assert_true(strstr(said, "127.0.0.4") != NULL);
    assert_true(strstr(said, "refused") != NULL);
    assert_true(strstr(said, "timed out (ETIMEDOUT)") != NULL);
    track_end(w, t);
}

TEST(C2_sixty_addresses_that_all_refuse)
{
    static char text[60][16];
    static const char *ips[61];
    struct peer *p = test_peer(w);

    w->expect_clean = true;
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text[i], sizeof text[i], "127.0.0.%d", i + 1);
        ips[i] = text[i];
    }
    dial_resolves_to(w, ips);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "some.where", .port = dial_dead_port(),
                                 .happy_eyeballs_delay_ns = 1),
                   p));
    dial_ends(w, p, RONDO_ECONNREFUSED);
    test_spin(w, 5);
    assert_int_equal(p->connected, 1);
}
