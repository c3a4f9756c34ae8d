/* test_connect_names.c - connecting to names. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"
#include "raw_net.h"

static rondo_id start(struct world *w, const char *host, uint16_t port,
                      struct peer *p)
{
    return assert_ok(dial(w, RONDO_CONNECT(.host = host, .port = port), p));
}

static struct peer *start_slow(struct world *w, uint16_t port, rondo_id *id)
{
    struct peer *p = test_peer(w);

    *id = start(w, "a.slow.test", port, p);
    test_run_until(w, raw_names_waiting() == 1);
    return p;
}

/* ---- C2: names and literals --------------------------------------------- */

TEST(C2_localhost)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *p = test_peer(w);

    options.host = ""; /* whichever family localhost comes first with */
    l = test_serve_with(w, &recorder, &options);
    (void)start(w, "localhost", l->port, p);
    assert_int_equal(p->connected, 0);
    test_run_until(w, p->connected);
    if (p->connect_error == RONDO_ENONAME || p->connect_error == RONDO_EAGAIN)
        test_skip(w, "this system does not know localhost");
    dial_ends(w, p, 0);
    test_run_until(w, l->count == 1);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST(C2_literals_are_never_looked_up)
{
    static const char *const literals[] = {"127.0.0.1", "::1", "::1%1",
                                           "::ffff:127.0.0.1"};
    struct listener *l = test_serve(w);

    names_replace(w);
    for (unsigned i = 0; i < COUNT_OF(literals); i++) {
        struct peer *p = test_peer(w);
        rondo_id id =
            dial(w, RONDO_CONNECT(.host = literals[i], .port = l->port), p);

        if (id > 0)
            test_run_until(w, p->connected);
        if (i == 0)
            assert_int_equal(p->connect_error, 0);
    }
    assert_int_equal(raw_names_calls(), 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST(C2_an_interface_may_be_named_by_name)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct peer *p = test_peer(w);
    struct listener *l;
    char name[64], host[80];

    names_replace(w);
    if (!raw_has_inet6() || !raw_interface_name(1, name, sizeof name))
        test_skip(w, "no IPv6 loopback, or no names of interfaces");
    options.host = "::1";
    l = test_serve_with(w, &recorder, &options);
    (void)snprintf(host, sizeof host, "::1%%%s", name);
    (void)start(w, host, l->port, p);
    test_run_until(w, p->connected);
    assert_int_equal(raw_names_calls(), 0);
}

TEST(C2_a_name_is_looked_up_off_the_loops_thread)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    names_replace(w);
    (void)start(w, "a.quick.test", l->port, p);
    dial_ends(w, p, 0);
    assert_int_equal(raw_names_calls(), 1);
    assert_false(raw_names_on_caller());
    test_run_until(w, l->count == 1);
}

TEST(C2_the_loop_goes_on_during_a_look_up)
{
    struct listener *l = test_serve(w);
    struct peer *other = test_peer(w);
    struct peer *p;
    rondo_id id;

    names_replace(w);
    p = start_slow(w, l->port, &id);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    assert_int_equal(test_metrics(w).live_operations, 1);
    (void)start(w, "127.0.0.1", l->port, other);
    dial_ends(w, other, 0);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* and does not spin */
    assert_int_equal(p->connected, 0);
    names_release(w);
    dial_ends(w, p, 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    test_run_until(w, l->count == 2);
}

TEST(C2_a_look_up_keeps_the_loop_running)
{
    struct listener *l = test_serve(w);
    struct peer *p;
    rondo_id id;

    names_replace(w);
    rondo_server_set_background(l->server, true);
    p = start_slow(w, l->port, &id);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    raw_names_release();
    test_run_until(w, p->connected);
}

static void check_fails(struct world *w, const char *host, int error)
{
    struct peer *p = test_peer(w);

    (void)start(w, host, 9, p);
    assert_int_equal(p->connected, 0);
    dial_ends(w, p, error);
    assert_true(strstr(p->last_error, host) != NULL);
    test_spin(w, 3);
    assert_string_equal(p->order, "");
}

TEST(C2_an_unknown_name)
{
    names_replace(w);
    w->expect_clean = true;
    check_fails(w, "a.none.test", RONDO_ENONAME);
    check_fails(w, "a.later.test", RONDO_EAGAIN);
}

TEST(C2_hosts_that_make_no_sense)
{
    char longest[1001];
    static const char *const hosts[] = {
        "",      " ", "127.0.0.1 ",         "1.2.3.4.5.",
        "[::1]", "%", "::1%nosuchinterface"};

    w->expect_clean = true;
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

TEST(C2_the_next_address_is_tried)
{
    struct listener *l = test_serve(w); /* on 127.0.0.1 alone */
    struct peer *p = test_peer(w);
    rondo_address seen;
    rondo_address expected = dial_address("127.0.0.1", l->port);

    names_replace(w);
    (void)start(w, "a.two.test", l->port, p);
    dial_ends(w, p, 0);
    assert_ok(rondo_transport_peer_address(p->transport, &seen));
    assert_true(rondo_address_equal(&seen, &expected));
    test_run_until(w, l->count == 1);
}

TEST(C2_the_error_names_every_address_tried)
{
    struct peer *p = test_peer(w);
    uint16_t port = dial_dead_port();
    char text[32];

    names_replace(w);
    w->expect_clean = true;
    (void)start(w, "a.two.test", port, p);
    dial_ends(w, p, RONDO_ECONNREFUSED);
    for (int i = 1; i <= 2; i++) {
        (void)snprintf(text, sizeof text, "127.0.0.%d:%u", i, (unsigned)port);
        assert_true(strstr(p->last_error, text) != NULL);
    }
}

TEST(C2_the_error_names_eight_addresses_too)
{
    struct peer *p = test_peer(w);
    uint16_t port = dial_dead_port();
    char text[32];

    names_replace(w);
    (void)start(w, "a.many.test", port, p);
    test_run_until(w, p->connected);
    for (int i = 1; i <= 8; i++) {
        (void)snprintf(text, sizeof text, "127.0.0.%d:%u", i, (unsigned)port);
        if (!strstr(rondo_last_error(), text))
            test_fail(w, "%s is not in: %s", text, rondo_last_error());
    }
}

TEST(C2_only_the_family_asked_for)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    names_replace(w);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "a.both.test", .port = l->port,
                                 .family = RONDO_FAMILY_INET),
                   p));
    dial_ends(w, p, 0);
    p = test_peer(w);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "a.both.test", .port = l->port,
                                 .family = RONDO_FAMILY_INET6),
                   p));
    test_run_until(w, p->connected);
    assert_true(p->connect_error < 0);
    assert_true(strstr(p->last_error, "127.0.0.1") == NULL);
}

TEST(C3_addresses_of_another_family_are_skipped)
{
    struct listener *l = test_serve(w);
    rondo_address from = dial_address("127.0.0.1", 0);
    rondo_address from6 = dial_address("::1", 0);
    struct peer *p = test_peer(w);

    names_replace(w);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "a.both.test", .port = l->port,
                                 .local_address = &from),
                   p));
    dial_ends(w, p, 0);
    p = test_peer(w);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "a.two.test", .port = l->port,
                                 .local_address = &from6),
                   p));
    dial_ends(w, p, RONDO_EAFNOSUPPORT); /* none was left */
}
