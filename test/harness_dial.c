/* harness_dial.c - connecting with options of the test's own. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"

#include "raw_net.h"

static void done(rondo_loop *loop, void *arg, rondo_transport *t, int error)
{
    struct peer *p = arg;

    assert_non_null(loop);
    if (++p->connected > 1)
        test_fail(p->w, "connect: done twice");
    if ((error == 0) != (t != NULL) || (error == 0) != (p->made == 1))
        test_fail(p->w, "connect: error %d, transport %p, made %u", error,
                  (void *)t, p->made);
    if (t && p->lost == 0)
        assert_ptr_equal(t, p->transport);
    p->connect_error = error;
    if (error) {
        (void)snprintf(p->last_error, sizeof p->last_error, "%s",
                       rondo_last_error());
        assert_true(p->last_error[0] != '\0');
    }
    if (p->on_connected)
        p->on_connected(p);
}

rondo_id dial_on(rondo_loop *loop, const rondo_connect_options *options,
                 struct peer *p)
{
    return rondo_create_connection(loop, options, &recorder, p, done, p);
}

rondo_id dial(struct world *w, const rondo_connect_options *options,
              struct peer *p)
{
    return dial_on(w->loop, options, p);
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

void dial_ends(struct world *w, struct peer *p, int error)
{
    test_run_until(w, p->connected);
    if (p->connect_error != error)
        test_fail(w, "done: %s (%s), not %s",
                  rondo_error_name(p->connect_error), p->last_error,
                  rondo_error_name(error));
    assert_int_equal(p->made, error == 0);
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
    rondo_resolver resolver = {answer_at_once, never_cancelled,
                               (void *)(uintptr_t)ips};

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
