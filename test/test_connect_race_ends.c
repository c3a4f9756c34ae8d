/* test_connect_race_ends.c - races that are cancelled, closed, out of room. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

#define NEVER_NS RONDO_SEC(3600)

static const char *const three_holes[] = {"127.0.0.2", "127.0.0.2", "127.0.0.2",
                                          NULL};
static const char *const hole_first[] = {"127.0.0.2", "127.0.0.1", NULL};

static struct raw_black_hole *hole_at(struct world *w, uint16_t port)
{
    struct raw_black_hole *hole = test_alloc(w, sizeof *hole);
    rondo_address a = dial_address("127.0.0.2", port);

    if (!raw_black_hole_open_at(hole, &a))
        test_skip(w, "no such address, or this system refuses where a queue "
                     "is full");
    return hole;
}

static rondo_id race(struct world *w, const char *const *ips, uint16_t port,
                     struct peer *p)
{
    dial_resolves_to(w, ips);
    return assert_ok(dial(w,
                          RONDO_CONNECT(.host = "some.where", .port = port,
                                        .happy_eyeballs_delay_ns = 1),
                          p));
}

/* Until all of them are under way: `more` descriptors. */
static void wait_for_sockets(struct world *w, size_t before, size_t more)
{
    test_run_until(w, raw_count_descriptors() >= before + more);
    assert_int_equal(raw_count_descriptors(), before + more);
}

/* ---- cancelling --------------------------------------------------------- */

TEST(C2_cancelling_closes_every_socket)
{
    struct raw_black_hole *hole = hole_at(w, 0);
    struct peer *p = test_peer(w);
    size_t before = raw_count_descriptors();
    rondo_id id = race(w, three_holes, hole->port, p);

    w->expect_clean = true;
    wait_for_sockets(w, before, 3);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    assert_int_equal(p->connected, 0); /* not inside the call */
    dial_ends(w, p, RONDO_ECANCELED);
    assert_int_equal(raw_count_descriptors(), before);
    raw_black_hole_close(hole);
}

TEST(C2_cancelled_at_each_moment)
{
    struct listener *l = test_serve(w);
    struct raw_black_hole *hole = hole_at(w, l->port);
    unsigned outcomes[2] = {0};

    for (int i = 0; i < 60; i++) {
        struct peer *p = test_peer(w);
        rondo_id id = race(w, hole_first, l->port, p);
        int result;

        test_spin(w, i % 12);
        result = rondo_cancel(w->loop, id);
        dial_ends(w, p, result == 0 ? RONDO_ECANCELED : 0);
        test_spin(w, 3);
        assert_int_equal(p->connected, 1);
        outcomes[result == 0]++;
        if (p->transport)
            rondo_transport_abort(p->transport);
    }
    assert_true(outcomes[1] > 0);
    raw_black_hole_close(hole);
    rondo_server_close_clients(l->server);
    test_run_until(w, test_metrics(w).live_transports == 0);
}

TEST(C2_closing_the_loop_closes_every_socket)
{
    struct raw_black_hole *hole = hole_at(w, 0);
    struct peer *p = test_peer(w);
    size_t before = raw_count_descriptors();

    (void)race(w, three_holes, hole->port, p);
    wait_for_sockets(w, before, 3);
    test_close_loop(w);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_true(raw_count_descriptors() < before);
    raw_black_hole_close(hole);
}

TEST(C2_the_timeout_covers_the_race)
{
    struct raw_black_hole *hole = hole_at(w, 0);
    struct peer *p = test_peer(w);
    size_t before = raw_count_descriptors();

    w->expect_clean = true;
    dial_resolves_to(w, three_holes);
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "some.where", .port = hole->port,
                                 .happy_eyeballs_delay_ns = 1,
                                 .timeout_ns = RONDO_MS(30)),
                   p));
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_int_equal(raw_count_descriptors(), before);
    raw_black_hole_close(hole);
}

TEST(C2_a_race_in_the_background)
{
    struct raw_black_hole *hole = hole_at(w, 0);
    struct peer *p = test_peer(w);
    rondo_id id = race(w, three_holes, hole->port, p);

    assert_ok(rondo_set_background(w->loop, id, true));
    test_spin(w, 5);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(p->connected, 0);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    dial_ends(w, p, RONDO_ECANCELED);
    raw_black_hole_close(hole);
}

/* ---- a local address ---------------------------------------------------- */

static struct peer *race_from(struct world *w, const char *const *ips,
                              uint16_t port, uint16_t local_port)
{
    struct peer *p = test_peer(w);
    rondo_address from = dial_address("127.0.0.1", local_port);

    dial_resolves_to(w, ips);
    assert_ok(
        dial(w,
             RONDO_CONNECT(.host = "some.where", .port = port,
                           .local_address = &from, .happy_eyeballs_delay_ns = 1,
                           .timeout_ns = RONDO_MS(200) * test_slowness()),
             p));
    return p;
}

/* Two sockets cannot have one port: the second waits for the first. */
TEST(C3_a_local_port_is_not_in_its_own_way)
{
    static const char *const dead_first[] = {"127.0.0.3", "127.0.0.1", NULL};
    struct listener *l = test_serve(w);
    struct raw_black_hole *hole = hole_at(w, l->port);
    struct peer *p = race_from(w, dead_first, l->port, dial_free_port());

    dial_ends(w, p, 0);
    p = race_from(w, hole_first, l->port, dial_free_port());
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_null(strstr(p->last_error, "EADDRINUSE"));
    p = race_from(w, hole_first, l->port, 0); /* any port: they race */
    dial_ends(w, p, 0);
    raw_black_hole_close(hole);
}

TEST(C3_the_local_address_chooses_the_family)
{
    static const char *const ips[] = {"::1", "127.0.0.3", "::1", "127.0.0.1",
                                      NULL};
    static const char *const six[] = {"::1", "::1", NULL};
    struct listener *l = test_serve(w);
    struct peer *p = race_from(w, ips, l->port, 0);

    dial_ends(w, p, 0);
    p = race_from(w, six, l->port, 0);
    dial_ends(w, p, RONDO_EAFNOSUPPORT);
    assert_null(strstr(p->last_error, "::1"));
}

/* ---- no room ------------------------------------------------------------ */

TEST(G8_no_memory_at_any_point_of_a_race)
{
    struct listener *l = test_serve(w);
    struct raw_black_hole *hole = hole_at(w, l->port);
    unsigned failed = 0;

    for (uint64_t n = 1; n <= 12; n++) {
        struct peer *p = test_peer(w);
        rondo_id id;

        dial_resolves_to(w, hole_first);
        test_fail_allocation(w, n);
        id = dial(w,
                  RONDO_CONNECT(.host = "some.where", .port = l->port,
                                .happy_eyeballs_delay_ns = 1,
                                .timeout_ns = RONDO_MS(300) * test_slowness()),
                  p);
        if (id > 0)
            test_run_until(w, p->connected);
        test_fail_allocation(w, 0);
        if (id < 0)
            assert_error(id, RONDO_ENOMEM);
        failed += id < 0 || p->connect_error < 0;
        test_spin(w, 3);
        assert_int_equal(test_metrics(w).live_operations, 0);
        if (p->transport)
            rondo_transport_abort(p->transport);
    }
    assert_true(failed > 0);
    raw_black_hole_close(hole);
}

/* One that has a socket goes on when the process has no more. */
TEST(C2_no_descriptor_for_the_next_one)
{
    struct listener *l = test_serve(w);
    struct raw_black_hole *hole = hole_at(w, l->port);
    struct peer *p = test_peer(w);
    size_t before = raw_count_descriptors();
    raw_fd *taken = test_alloc(w, 4096 * sizeof *taken);
    int64_t limit = raw_set_descriptor_limit((int64_t)before + 40);
    size_t count;
    rondo_id id;

    test_skip_if(w, limit < 0, "this system has no limit of descriptors");
    dial_resolves_to(w, hole_first);
    id = assert_ok(dial(w,
                        RONDO_CONNECT(.host = "some.where", .port = l->port,
                                      .happy_eyeballs_delay_ns = RONDO_MS(20)),
                        p));
    wait_for_sockets(w, before, 1);
    count = raw_exhaust(taken, 4096);
    (void)test_run_for(w, RONDO_MS(60));
    assert_int_equal(p->connected, 0);
    while (count > 0)
        raw_close(taken[--count]);
    assert_true(raw_set_descriptor_limit(limit) >= 0);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    dial_ends(w, p, RONDO_ECANCELED);
    assert_true(strstr(p->last_error, "EMFILE") != NULL);
    raw_black_hole_close(hole);
}
