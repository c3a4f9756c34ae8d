/* test_connect.c - what connects, what cannot, and how that is told. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "raw_net.h"

/* ---- C1: exactly one target --------------------------------------------- */

TEST(C1_exactly_one_of_host_address_socket)
{
    struct listener *l = test_serve(w);
    rondo_address address = dial_address("127.0.0.1", l->port);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    dial_refused(w, RONDO_CONNECT(.port = l->port), RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.host = "127.0.0.1", .address = &address),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.host = "127.0.0.1", .socket = fds),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.address = &address, .socket = fds),
                 RONDO_EINVAL);
    dial_refused(
        w,
        RONDO_CONNECT(.host = "127.0.0.1", .address = &address, .socket = fds),
        RONDO_EINVAL);
    assert_true(raw_fd_valid(fds[0])); /* still the caller's */
    raw_close_pair(fds);
    assert_int_equal(l->count, 0);
}

TEST(C1_nonsense_options)
{
    rondo_connect_options o = RONDO_CONNECT_OPTIONS_INIT;
    rondo_address empty;
    struct peer *p = test_peer(w);

    memset(&empty, 0, sizeof empty);
    w->expect_clean = true;
    dial_refused(w, NULL, RONDO_EINVAL);
    o.host = "127.0.0.1";
    o.port = 9;
    assert_einval(rondo_create_connection(w->loop, &o, NULL, p, NULL, p));
    assert_einval(rondo_create_connection(NULL, &o, &recorder, p, NULL, p));
    o.size = 0;
    dial_refused(w, &o, RONDO_EINVAL);
    o.size = 3;
    dial_refused(w, &o, RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.host = "127.0.0.1", .timeout_ns = -1),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.host = "127.0.0.1", .timeout_ns = INT64_MIN),
                 RONDO_EINVAL);
    dial_refused(w,
                 RONDO_CONNECT(.host = "127.0.0.1", .family = (rondo_family)99),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.address = &empty), RONDO_OK);
}

/* options of a program compiled against a newer header, and of an older */
TEST(C1_options_of_another_version)
{
    struct listener *l = test_serve(w);
    struct {
        rondo_connect_options known;
        uint64_t unknown[4];
    } newer = {.known = {.size = sizeof newer, .host = "127.0.0.1"}};
    rondo_connect_options older = RONDO_CONNECT_OPTIONS_INIT;
    struct peer *a = test_peer(w);
    struct peer *b = test_peer(w);

    newer.known.port = l->port;
    assert_ok(dial(w, &newer.known, a));
    dial_ends(w, a, 0);
    older.size = offsetof(rondo_connect_options, local_address);
    older.host = "127.0.0.1";
    older.port = l->port;
    older.timeout_ns = -77; /* beyond its size: not looked at */
    assert_ok(dial(w, &older, b));
    dial_ends(w, b, 0);
}

/* ---- C1: done ----------------------------------------------------------- */

struct order {
    struct peer *p;
    unsigned between; /* callbacks between made and done */
};

static void count_between(rondo_loop *loop, void *arg)
{
    struct order *o = arg;

    (void)loop;
    if (o->p->made && !o->p->connected)
        o->between++;
}

static void made_schedules(struct peer *p)
{
    assert_int_equal(p->connected, 0);
    assert_ok(rondo_call_soon(p->w->loop, count_between, p->user));
    assert_ok(rondo_call_later(p->w->loop, 0, count_between, p->user));
}

TEST(C1_done_comes_directly_after_connection_made)
{
    struct listener *l = test_serve(w);

    for (int i = 0; i < 20; i++) {
        struct peer *p = test_peer(w);
        struct order *o = test_alloc(w, sizeof *o);

        o->p = p;
        p->user = o;
        p->on_made = made_schedules;
        for (int k = 0; k < 5; k++) /* others are waiting for their turn */
            assert_ok(rondo_call_later(w->loop, 0, count_between, o));
        assert_ok(
            dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), p));
        assert_int_equal(p->made + p->connected, 0); /* not inside the call */
        dial_ends(w, p, 0);
        test_spin(w, 2);
        assert_int_equal(o->between, 0);
    }
}

TEST(C1_done_without_connection_made_when_refused)
{
    struct peer *p = test_peer(w);
    uint16_t port = dial_dead_port();
    char text[32];

    w->expect_clean = true;
    assert_ok(dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port), p));
    assert_int_equal(p->connected, 0);
    dial_ends(w, p, RONDO_ECONNREFUSED);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)port);
    assert_true(strstr(p->last_error, text) != NULL);
    assert_true(strstr(p->last_error, "refused") != NULL);
    test_run_loop(w);
    assert_string_equal(p->order, "");
    assert_int_equal(p->connected, 1);
}

TEST(C1_done_may_be_null)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    assert_ok(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), &recorder,
        p, NULL, NULL));
    assert_ok(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()),
        &recorder, test_peer(w), NULL, NULL));
    test_run_until(w, p->made && test_metrics(w).live_operations == 0);
    rondo_transport_close(p->transport);
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_string_equal(p->order, "ML");
    w->expect_clean = true;
}

static void check_ended_early(struct world *w, void (*made)(struct peer *),
                              void (*connected)(struct peer *), int error)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    p->on_made = made;
    p->on_connected = connected;
    assert_ok(dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), p));
    test_run_until(w, p->lost);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, 0);
    assert_int_equal(p->error, error);
    assert_string_equal(p->order, "ML");
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}

TEST(C1_ended_in_connection_made_is_done_nonetheless)
{
    check_ended_early(w, act_close, NULL, 0);
    check_ended_early(w, act_abort, NULL, RONDO_ECANCELED);
}

TEST(C1_ended_in_done)
{
    check_ended_early(w, NULL, act_close, 0);
    check_ended_early(w, NULL, act_abort, RONDO_ECANCELED);
}

TEST(C1_writing_in_connection_made_and_in_done)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    p->on_made = p->on_connected = act_hello;
    assert_ok(dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), p));
    test_run_until(w, l->count == 1 && l->first->bytes == 10);
}

static void connect_again(struct peer *p)
{
    struct peer *next = p->user;

    if (next)
        assert_ok(rondo_create_connection(
            p->w->loop,
            RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()),
            &recorder, next, NULL, NULL));
}

TEST(C1_connecting_again_inside_done)
{
    struct peer *p = test_peer(w);

    w->expect_clean = true;
    p->user = test_peer(w);
    p->on_connected = connect_again;
    assert_ok(dial(
        w, RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()), p));
    test_run_loop(w);
    assert_int_equal(p->connected, 1);
}

TEST(C1_many_at_once_are_each_done_once)
{
    enum { MANY = 150 };
    struct listener *l = test_serve(w);
    uint16_t dead = dial_dead_port();
    struct peer *p[MANY];
    unsigned done = 0;

    for (int i = 0; i < MANY; i++) {
        uint16_t port = i % 3 == 0 ? dead : l->port;

        p[i] = test_peer(w);
        assert_ok(
            dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port), p[i]));
    }
    assert_int_equal(test_metrics(w).live_operations, MANY);
    test_run_until(w, test_metrics(w).live_operations == 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(p[i]->connected, 1);
        assert_int_equal(p[i]->connect_error,
                         i % 3 == 0 ? RONDO_ECONNREFUSED : 0);
        done += p[i]->made;
    }
    test_run_until(w, l->count == done);
}

/* ---- C1: targets -------------------------------------------------------- */

TEST(C1_an_address_instead_of_a_host)
{
    struct listener *l = test_serve(w);
    rondo_address address = dial_address("127.0.0.1", l->port);
    struct peer *p = test_peer(w);
    rondo_address seen;

    assert_ok(dial(w, RONDO_CONNECT(.address = &address), p));
    memset(&address, 0, sizeof address); /* it was copied */
    dial_ends(w, p, 0);
    assert_ok(rondo_transport_peer_address(p->transport, &seen));
    address = dial_address("127.0.0.1", l->port);
    assert_true(rondo_address_equal(&seen, &address));
}

TEST(C1_inet6)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *p = test_peer(w);

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback on this machine");
    options.host = "::1";
    l = test_serve_with(w, &recorder, &options);
    assert_ok(dial(w, RONDO_CONNECT(.host = "::1", .port = l->port), p));
    dial_ends(w, p, 0);
    test_run_until(w, l->count == 1);
}

TEST(C1_family_that_the_literal_is_not_of)
{
    struct peer *p = test_peer(w);
    rondo_id id = dial(w,
                       RONDO_CONNECT(.host = "127.0.0.1", .port = 9,
                                     .family = RONDO_FAMILY_INET6),
                       p);

    w->expect_clean = true;
    if (id > 0) /* an error of the call or of done: one of them */
        dial_ends(w, p, RONDO_EAFNOSUPPORT);
    else
        assert_error(id, RONDO_EAFNOSUPPORT);
}

/* The kernel refuses it at once, so that nothing leaves the machine. */
TEST(C1_unreachable)
{
    struct peer *p = test_peer(w);

    w->expect_clean = true;
    assert_ok(dial(w, RONDO_CONNECT(.host = "224.0.0.1", .port = 9), p));
    test_run_until(w, p->connected);
    assert_true(p->connect_error < 0);
    assert_int_not_equal(p->connect_error, RONDO_ETIMEDOUT);
    assert_true(strstr(p->last_error, "224.0.0.1:9") != NULL);
    assert_string_equal(p->order, "");
}

TEST(C1_no_descriptor_left)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    static raw_fd taken[256];
    int64_t limit = raw_set_descriptor_limit(200);
    size_t n;
    rondo_id id;

    test_skip_if(w, limit < 0, "no limit of descriptors on this system");
    n = raw_exhaust(taken, 256);
    id = dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), p);
    if (id > 0)
        test_run_until(w, p->connected);
    while (n > 0)
        raw_close(taken[--n]);
    (void)raw_set_descriptor_limit(limit);
    assert_int_equal(id > 0 ? p->connect_error : id, RONDO_EMFILE);
    p = test_connect(w, l->port); /* and now there are some */
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, 0);
}

static void check_options_of(struct world *w, uint16_t port,
                             rondo_switch no_delay, rondo_switch keep_alive,
                             int no_delay_is, int keep_alive_is)
{
    struct peer *p = test_peer(w);

    assert_ok(
        dial(w,
             RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                           .no_delay = no_delay, .keep_alive = keep_alive),
             p));
    dial_ends(w, p, 0);
    assert_int_equal(raw_no_delay(rondo_transport_fd(p->transport)),
                     no_delay_is);
    assert_int_equal(raw_keep_alive(rondo_transport_fd(p->transport)),
                     keep_alive_is);
}

TEST(C1_no_delay_and_keep_alive)
{
    struct listener *l = test_serve(w);

    check_options_of(w, l->port, RONDO_DEFAULT, RONDO_DEFAULT, 1, 0);
    check_options_of(w, l->port, RONDO_OFF, RONDO_ON, 0, 1);
    check_options_of(w, l->port, RONDO_ON, RONDO_OFF, 1, 0);
}
