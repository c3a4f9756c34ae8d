/* test_group_move.c - connections that go from one loop of a group to another. */
/* SPDX-License-Identifier: MIT */
#include "harness_mover.h"

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

/* Clients move all the time, and the server closes meanwhile: each is somewhere,
 * and is told its end once. */
static void close_while_moving(struct world *w, rondo_spread spread, bool group)
{
    enum { CLIENTS = 30 };

    for (int round = 0; round < 5; round++) {
        struct site *s = moving_site(w, 3, spread);
        raw_fd fd[CLIENTS];

        atomic_store(&s->silent, true);
        for (int i = 0; i < CLIENTS; i++) {
            fd[i] = raw_connect(s->port);
            assert_true(fd[i] != RONDO_NO_FD);
            assert_true(raw_send_all(fd[i], "!", 1, 1000));
        }
        for (int i = 0; i < CLIENTS; i++)
            (void)raw_send(fd[i], "!", 1);
        test_run_until(w, atomic_load(&moved) >= CLIENTS);
        for (int i = 0; i < CLIENTS; i++)
            (void)raw_send(fd[i], "!", 1);
        if (!group)
            site_close(s);
        crew_close(s->crew);
        site_on_call(NULL);
        assert_int_equal(atomic_load(&s->made), atomic_load(&s->lost));
        assert_int_equal(atomic_load(&s->wrong), 0);
        for (int i = 0; i < CLIENTS; i++)
            raw_close(fd[i]);
    }
}

TEST_CASE(M7_the_server_closes_meanwhile,
          close_while_moving(w, RONDO_SPREAD_DEFAULT, false));
TEST_CASE(M7_the_server_that_hands_on_closes_meanwhile,
          close_while_moving(w, RONDO_SPREAD_IN_TURN, false));
TEST_CASE(M7_the_group_closes_meanwhile,
          close_while_moving(w, RONDO_SPREAD_DEFAULT, true));

/* ---- a plain server of one loop ----------------------------------------- */

struct plain {
    struct site *site;
    rondo_server *server;
    atomic_uint port;
    atomic_uint closed, gone;
    atomic_bool ok;
};

static int take_plain(rondo_server *server, void *arg, rondo_transport *t,
                      const rondo_protocol **protocol, void **self);

static void plain_closed(rondo_server *server, void *arg)
{
    (void)server;
    atomic_fetch_add(&((struct plain *)arg)->closed, 1);
}

static void plain_serve(rondo_loop *loop, void *arg)
{
    struct plain *p = arg;
    rondo_address a;

    if (rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1",
                                        .protocol_factory = take_plain,
                                        .closed = plain_closed),
                            NULL, p, &p->server) < 0 ||
        rondo_server_address(p->server, 0, &a) < 0)
        atomic_store(&p->ok, false);
    else
        atomic_store(&p->port, rondo_address_port(&a));
}

static void plain_moved(rondo_loop *loop, void *arg, int64_t result)
{
    struct guest *g = arg;

    guest_arrives(g, loop);
    if (result != 0 || rondo_transport_server(g->transport))
        atomic_fetch_add(&g->site->wrong, 1);
    atomic_fetch_add(&moved, 1);
}

static void plain_close(rondo_loop *loop, void *arg)
{
    (void)loop;
    rondo_server_close(((struct plain *)arg)->server);
}

static void move_from_plain(struct guest *g)
{
    guest_moves(g);
    if (rondo_group_move(g->site->crew->group, g->transport, 1, plain_moved,
                         g) != 0)
        atomic_fetch_add(&g->site->wrong, 1);
}

static int take_plain(rondo_server *server, void *arg, rondo_transport *t,
                      const rondo_protocol **protocol, void **self)
{
    struct plain *p = arg;

    return site_take(server, p->site, t, protocol, self);
}

/* Its client is no server's from then on, and it closes without it. */
TEST(M7_a_client_leaves_a_plain_server)
{
    struct plain *p = test_alloc(w, sizeof *p);
    struct peer *c;

    p->site = moving_site(w, 2, RONDO_SPREAD_IN_TURN);
    p->ok = true;
    site_on_call(move_from_plain);
    assert_ok(rondo_group_post(p->site->crew->group, 0, plain_serve, p));
    test_run_until(w, atomic_load(&p->port) || !atomic_load(&p->ok));
    c = test_connect(w, (uint16_t)atomic_load(&p->port));
    test_run_until(w, c->connected);
    assert_true(rondo_transport_write(c->transport, "!", 1) >= 0);
    test_run_until(w, atomic_load(&moved) == 1 && c->bytes == 1);
    assert_ok(rondo_group_post(p->site->crew->group, 0, plain_close, p));
    test_run_until(w, atomic_load(&p->closed));
    site_echoes(p->site, c, 100);
    rondo_transport_close(c->transport);
    test_run_until(w, atomic_load(&p->site->lost) == 1);
    close_site(p->site);
}
