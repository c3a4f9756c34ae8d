/* harness_dial.c - connecting with options of the test's own. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"

rondo_id dial_on(rondo_loop *loop, const rondo_connect_options *options,
                 struct peer *p)
{
    p->id =
        rondo_create_connection(loop, options, &recorder, p, peer_connected, p);
    return p->id;
}

rondo_id dial(struct world *w, const rondo_connect_options *options,
              struct peer *p)
{
    return dial_on(w->loop, options, p);
}

struct peer *dial_new(struct world *w, const rondo_connect_options *options)
{
    struct peer *p = test_peer(w);

    assert_ok(dial(w, options, p));
    return p;
}

void dial_refused(struct world *w, const rondo_connect_options *options,
                  int error)
{
    struct peer *p = test_peer(w);
    rondo_loop_metrics before = test_metrics(w);
    rondo_loop_metrics after;
    rondo_id id = dial(w, options, p);

    if (error || id >= 0)
        assert_error(id, error);
    assert_true(strstr(rondo_last_error(), "create_connection") != NULL);
    after = test_metrics(w);
    assert_int_equal(after.live_operations, before.live_operations);
    assert_int_equal(after.live_transports, before.live_transports);
    test_spin(w, 3);
    assert_int_equal(p->connected, 0);
    assert_string_equal(p->order, "");
}

void serve_refused(struct world *w, const rondo_server_options *options,
                   int error, const char *words)
{
    size_t servers = test_metrics(w).live_servers;
    rondo_server *server = NULL;

    assert_refused(
        rondo_create_server(w->loop, options, &recorder, NULL, &server), error,
        words);
    assert_null(server);
    assert_int_equal(test_metrics(w).live_servers, servers);
}

void dial_ends(struct world *w, struct peer *p, int error)
{
    test_run_until(w, p->connected);
    if (p->connect_error != error)
        test_fail(w, "done: %s (%s), not %s",
                  rondo_error_name(p->connect_error), p->last_error,
                  rondo_error_name(error));
    assert_int_equal(p->made, error == 0);
}

struct listener *dial_serve(struct world *w, const char *other_ip)
{
    struct listener *l = test_serve(w);

    for (int tries = 0; tries < 20; tries++) {
        rondo_address a = dial_address(other_ip, l->port);
        raw_fd fd = raw_listen_at(&a);

        raw_close(fd);
        if (fd != RONDO_NO_FD)
            break;
        test_close_server(w, l->server);
        l = test_serve(w);
    }
    return l;
}

struct raw_black_hole *dial_hole(struct world *w, const char *ip, uint16_t port)
{
    struct raw_black_hole *hole = test_alloc(w, sizeof *hole);
    rondo_address a = dial_address(ip, port);

    if (!raw_black_hole_open_at(hole, &a))
        test_skip(w, "no such address, or this system refuses where a queue "
                     "is full");
    (void)test_own(w, hole->listener);
    for (size_t i = 0; i < COUNT_OF(hole->fillers); i++)
        if (hole->fillers[i] != RONDO_NO_FD)
            (void)test_own(w, hole->fillers[i]);
    return hole;
}

struct peer *dial_to(struct world *w, const rondo_connect_options *options,
                     int error)
{
    struct peer *p = dial_new(w, options);

    dial_ends(w, p, error);
    return p;
}

rondo_address dial_address(const char *ip, uint16_t port)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, ip, port));
    return a;
}

static int answer_at_once(void *context, rondo_lookup *lookup, const char *host,
                          const char *service, const rondo_lookup_hints *hints)
{
    const char *const *ips = context;
    rondo_address addresses[64];
    size_t count = 0;

    (void)host;
    (void)service;
    (void)hints;
    while (ips[count]) {
        assert_true(count < 64);
        addresses[count] = dial_address(ips[count], 0);
        count++;
    }
    rondo_resolver_answer(lookup, addresses, count, 0);
    return 0;
}

static void never_cancelled(void *context, rondo_lookup *lookup)
{
    (void)context;
    (void)lookup;
    abort(); /* it had answered */
}

void dial_resolves_to(struct world *w, const char *const *ips)
{
    rondo_resolver resolver = {.start = answer_at_once,
                               .cancel = never_cancelled,
                               .context = (void *)(uintptr_t)ips};

    assert_ok(rondo_set_resolver(w->loop, &resolver));
}

static uint16_t dead_port;

static raw_fd dead_fd = RONDO_NO_FD;

/* Kept over all tests: a port that was only free once may soon be listened on
 * by another test executable. */
static bool reserve_port(void)
{
    dead_fd = raw_reserve_port(&dead_port);
    return dead_fd != RONDO_NO_FD;
}

static void give_port_back(void)
{
    raw_close(dead_fd);
}

TEST_AROUND(reserve_port, give_port_back);

uint16_t dial_dead_port(void)
{
    assert_int_not_equal(dead_port, 0);
    return dead_port;
}

uint16_t dial_free_port(void)
{
    uint16_t port = 0;
    raw_fd fd = raw_reserve_port(&port);

    assert_true(fd != RONDO_NO_FD);
    raw_close(fd);
    return port;
}

void dial_check_peer(const struct peer *p, const char *ip, uint16_t port)
{
    rondo_address expected = dial_address(ip, port);
    rondo_address seen;

    assert_ok(rondo_transport_peer_address(p->transport, &seen));
    assert_true(rondo_address_equal(&seen, &expected));
}

void dial_check_works(struct world *w, struct peer *p, raw_fd other_end)
{
    uint64_t before = p->bytes;
    char piece[8];
    ptrdiff_t n = 0;

    assert_true(raw_send_all(other_end, "ping", 4, 1000));
    test_run_until(w, p->bytes == before + 4);
    assert_ok(rondo_transport_write(p->transport, "pong", 4));
    test_run_until(w, (n = raw_recv(other_end, piece, 4, 0)) != RAW_AGAIN);
    assert_int_equal(n, 4);
    assert_memory_equal(piece, "pong", 4);
}
