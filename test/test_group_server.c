/* test_group_server.c - servers whose clients are spread over a group. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

#include "harness_act.h"
#include "harness_local.h"

/* How many loops have had a client. */
static unsigned loops_used(const struct site *s)
{
    unsigned used = 0;

    for (int i = 0; i < GROUP_LOOPS; i++)
        used += atomic_load(&s->on[i]) > 0;
    return used;
}

/* ---- M3: serving -------------------------------------------------------- */

/* 200 clients, each of which sees one loop only. */
static void serve_many(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 4);
    struct site *s = site_new(c, spread);
    unsigned clients = 200 / (unsigned)test_slowness() + 8, on = 0;
    struct peer **p = test_alloc(w, clients * sizeof(struct peer *));

    for (unsigned i = 0; i < clients; i++)
        p[i] = test_connect(w, s->port);
    for (unsigned i = 0; i < clients; i++)
        test_run_until(w, p[i]->connected);
    for (unsigned i = 0; i < clients; i++)
        site_echoes(s, p[i], 100);
    assert_int_equal(atomic_load(&s->made), clients);
    for (size_t i = 0; i < 4; i++) {
        on += (unsigned)rondo_group_server_clients(s->server, i);
        assert_int_equal(rondo_group_server_clients(s->server, i),
                         atomic_load(&s->on[i]));
    }
    assert_int_equal(on, clients);
    if (rondo_group_server_spread(s->server) != RONDO_SPREAD_BY_KERNEL)
        assert_int_equal(loops_used(s), 4);
    else
        assert_true(loops_used(s) > 1); /* else by chance, once in 4^200 */
    for (unsigned i = 0; i < clients; i++)
        rondo_transport_close(p[i]->transport);
    test_run_until(w, atomic_load(&s->lost) == clients);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    assert_int_equal(s->closed.result, 0);
    crew_close(c);
}

TEST_CASE(M3_many_clients_by_default, serve_many(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M3_many_clients_in_turn, serve_many(w, RONDO_SPREAD_IN_TURN));
TEST_CASE(M3_many_clients_to_the_fewest, serve_many(w, RONDO_SPREAD_TO_FEWEST));

TEST(M3_by_the_kernel_as_the_capability_says)
{
    struct crew *c = crew_new(w, 2);
    rondo_group_server *server = NULL;
    const rondo_server_options *o = RONDO_SERVE(.host = "127.0.0.1");
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT);

    if (can)
        assert_ok(rondo_group_serve(c->group, o, RONDO_SPREAD_BY_KERNEL,
                                    &recorder, NULL, &server));
    else
        assert_refused(rondo_group_serve(c->group, o, RONDO_SPREAD_BY_KERNEL,
                                         &recorder, NULL, &server),
                       RONDO_ENOTSUP, "RONDO_SPREAD_TO_FEWEST");
    crew_close(c);
}

TEST(M3_in_turn_is_in_turn)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, RONDO_SPREAD_IN_TURN);

    for (unsigned i = 1; i <= 9; i++) {
        (void)site_connect(s);
        test_run_until(w, atomic_load(&s->made) == i);
        assert_int_equal(atomic_load(&s->on[(i - 1) % 3]), (i + 2) / 3);
    }
    site_close(s);
    crew_close(c);
}

/* Whoever leaves is replaced on the loop that it has left. */
TEST(M3_the_fewest_get_the_next)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, RONDO_SPREAD_TO_FEWEST);
    struct peer *p[6];

    for (unsigned i = 0; i < 6; i++) {
        p[i] = site_connect(s);
        test_run_until(w, atomic_load(&s->made) == i + 1);
    }
    for (unsigned round = 0; round < 3; round++) {
        unsigned before[3];

        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(rondo_group_server_clients(s->server, i), 2);
            before[i] = atomic_load(&s->on[i]);
        }
        rondo_transport_close(p[round]->transport);
        test_run_until(w, atomic_load(&s->lost) == round + 1);
        p[round] = site_connect(s);
        test_run_until(w, atomic_load(&s->made) == 7 + round);
        assert_int_equal(atomic_load(&s->on[round]), before[round] + 1);
    }
    site_close(s);
    crew_close(c);
}

static void check_refusals(struct world *w, const struct refusal *rows,
                           size_t count)
{
    struct crew *c = crew_new(w, 2);
    rondo_group_server *server = NULL;

    for (size_t i = 0; i < count; i++)
        assert_refused(rondo_group_serve(c->group, rows[i].options,
                                         RONDO_SPREAD_DEFAULT, &recorder, NULL,
                                         &server),
                       rows[i].error, rows[i].words);
    assert_null(server);
    assert_refused(rondo_group_serve(c->group, RONDO_SERVE(.port = 0),
                                     (rondo_spread)9, &recorder, NULL, &server),
                   RONDO_EINVAL, "spread");
    assert_refused(rondo_group_serve(c->group, NULL, RONDO_SPREAD_DEFAULT, NULL,
                                     NULL, &server),
                   RONDO_EINVAL, "no protocol");
    assert_refused(rondo_group_serve(NULL, NULL, RONDO_SPREAD_DEFAULT,
                                     &recorder, NULL, &server),
                   RONDO_EINVAL, NULL);
    crew_close(c);
}

static void never_closed(rondo_server *server, void *arg)
{
    (void)server;
    (void)arg;
}

TEST(M3_what_makes_no_sense_is_refused)
{
    const struct refusal rows[] = {
        {"a name", RONDO_SERVE(.host = "localhost"), RONDO_EINVAL, "numeric"},
        {"closed", RONDO_SERVE(.closed = never_closed), RONDO_EINVAL, "closed"},
        {"accepted", RONDO_SERVE(.accepted = never_accepted), RONDO_EINVAL,
         "accepted"},
        {"not now", RONDO_SERVE(.start_serving = RONDO_OFF), RONDO_EINVAL,
         "start_serving"},
        {"backlog", RONDO_SERVE(.backlog = -1), RONDO_EINVAL, "backlog"}};

    check_refusals(w, rows, COUNT_OF(rows));
}

/* A port that another server has, of this process or of another one. */
static void find_taken(struct world *w, rondo_spread spread,
                       rondo_switch shares)
{
    struct crew *c = crew_new(w, 2);
    rondo_server *other = NULL;
    rondo_group_server *server = NULL;
    rondo_address a;

    assert_ok(rondo_create_server(
        w->loop, RONDO_SERVE(.host = "127.0.0.1", .reuse_port = shares),
        &recorder, NULL, &other));
    assert_ok(rondo_server_address(other, 0, &a));
    assert_refused(
        rondo_group_serve(
            c->group,
            RONDO_SERVE(.host = "127.0.0.1", .port = rondo_address_port(&a)),
            spread, &recorder, NULL, &server),
        RONDO_EADDRINUSE, NULL);
    test_close_server(w, other);
    crew_close(c);
}

TEST_CASE(M3_a_port_that_is_taken,
          find_taken(w, RONDO_SPREAD_DEFAULT, RONDO_DEFAULT));
TEST_CASE(M3_a_port_that_is_taken_by_hand,
          find_taken(w, RONDO_SPREAD_IN_TURN, RONDO_DEFAULT));

TEST(M3_a_port_that_another_server_shares)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT),
                 "no port can be shared on this system");
    find_taken(w, RONDO_SPREAD_DEFAULT, RONDO_ON);
}

/* max_clients holds for each loop: the home loop waits until one has room. */
static void serve_few(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_with(c, spread, RONDO_SERVE(.max_clients = 1));
    struct peer *p[12];
    unsigned open = 2;

    for (int i = 0; i < 12; i++)
        p[i] = site_connect(s); /* the others wait in the backlog */
    test_run_until(w, atomic_load(&s->made) == open);
    for (unsigned gone = 0; gone < 12; gone++) {
        struct peer *served = NULL;

        for (int i = 0; i < 12 && !served; i++)
            if (p[i] && p[i]->bytes)
                served = p[i];
        for (int i = 0; i < 12 && !served; i++)
            if (p[i] && !p[i]->data) {
                assert_true(rondo_transport_write(p[i]->transport, "x", 1) >=
                            0);
                test_spin(w, 3);
            }
        for (int i = 0; i < 12; i++) {
            if (!p[i])
                continue;
            rondo_transport_close(p[i]->transport);
            test_run_until(w, p[i]->lost);
            p[i] = NULL;
            break;
        }
        test_run_until(w, atomic_load(&s->lost) <= gone + 1);
        assert_true(rondo_group_server_clients(s->server, 0) <= 1);
        assert_true(rondo_group_server_clients(s->server, 1) <= 1);
    }
    test_run_until(w, atomic_load(&s->lost) == 12);
    assert_int_equal(atomic_load(&s->made), 12);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    crew_close(c);
}

TEST_CASE(M3_a_limit_of_clients_in_turn, serve_few(w, RONDO_SPREAD_IN_TURN));
TEST_CASE(M3_a_limit_of_clients_to_the_fewest,
          serve_few(w, RONDO_SPREAD_TO_FEWEST));

/* Clients that the factory refuses leave nothing behind. */
TEST(M3_a_factory_refuses)
{
    struct crew *c = crew_new(w, 2);
    struct site *s =
        site_with(c, RONDO_SPREAD_TO_FEWEST, RONDO_SERVE(.max_clients = 2));

    atomic_store(&s->answer, 1);
    for (int i = 0; i < 20; i++) {
        struct peer *p = test_connect(w, s->port);

        test_run_until(w, p->lost);
    }
    atomic_store(&s->answer, 0);
    site_echoes(s, site_connect(s), 10);
    assert_int_equal(atomic_load(&s->made), 1);
    site_close(s);
    crew_close(c);
}

TEST(M3_a_path)
{
    const char *path = local_path(w, "group");
    struct crew *c = crew_new(w, 2);
    struct site *s =
        site_with(c, RONDO_SPREAD_DEFAULT, RONDO_SERVE(.path = path));
    rondo_group_server *server;

    assert_int_equal(rondo_group_server_spread(s->server),
                     RONDO_SPREAD_TO_FEWEST);
    for (int i = 0; i < 10; i++)
        site_echoes(s, local_connect(w, path), 100);
    assert_int_equal(loops_used(s), 2);
    assert_refused(rondo_group_serve(c->group, RONDO_SERVE(.path = path),
                                     RONDO_SPREAD_BY_KERNEL, &recorder, NULL,
                                     &server),
                   RONDO_ENOTSUP, NULL);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    crew_close(c);
}

TEST(M3_a_socket_of_the_program)
{
    uint16_t port;
    rondo_fd fd = raw_listen(&port, 10);
    struct crew *c = crew_new(w, 2);
    struct site *s =
        site_with(c, RONDO_SPREAD_DEFAULT, RONDO_SERVE(.socket = &fd));

    assert_int_equal(s->port, port);
    for (int i = 0; i < 4; i++)
        site_echoes(s, site_connect(s), 100);
    site_close(s);
    assert_true(raw_connect(port) == RONDO_NO_FD);
    crew_close(c);
}

TEST(M3_several_addresses)
{
    struct crew *c = crew_new(w, 3);
    rondo_address a[3], b;
    struct site *s;
    raw_fd tried;

    for (int i = 0; i < 3; i++)
        assert_ok(
            rondo_address_parse(&a[i], test_format(w, "127.0.0.%d", i + 1), 0));
    tried = raw_listen_at(&a[1]);
    test_skip_if(w, tried == RONDO_NO_FD,
                 "127.0.0.2 is no address of this system");
    raw_close(tried);
    s = site_with(c, RONDO_SPREAD_DEFAULT,
                  RONDO_SERVE(.addresses = a, .address_count = 3));
    for (size_t i = 0; i < 3; i++) {
        raw_fd fd;

        assert_ok(rondo_group_server_address(s->server, i, &b));
        assert_int_equal(rondo_address_port(&b), s->port);
        fd = raw_connect_at(&b);
        assert_true(fd != RONDO_NO_FD);
        test_run_until(w, atomic_load(&s->made) == i + 1);
        raw_close(fd);
    }
    assert_refused(rondo_group_server_address(s->server, 3, &b), RONDO_ENOENT,
                   NULL);
    assert_refused(rondo_group_server_address(s->server, 0, NULL), RONDO_EINVAL,
                   NULL);
    assert_refused(rondo_group_server_address(NULL, 0, &b), RONDO_EINVAL, NULL);
    site_close(s);
    crew_close(c);
}

/* ---- M5: a loop ends ---------------------------------------------------- */

static int64_t stop_first(rondo_loop *loop, size_t index, void *arg)
{
    (void)arg;
    if (index == 0)
        rondo_loop_stop(loop);
    return 0;
}

static void lose_one(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, spread);
    unsigned first;

    for (unsigned i = 0; i < 12; i++) {
        (void)site_connect(s);
        test_run_until(w, atomic_load(&s->made) == i + 1);
    }
    first = atomic_load(&s->on[0]);
    assert_ok(rondo_group_each(c->group, stop_first, NULL, NULL, NULL));
    test_run_until(w, c->ended);
    assert_int_equal(atomic_load(&s->lost), first);
    assert_int_equal(rondo_group_server_clients(s->server, 0), 0);
    for (unsigned i = 0; i < 12; i++)
        site_echoes(s, site_connect(s), 10); /* by the others */
    assert_int_equal(atomic_load(&s->on[0]), first);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    crew_close(c);
}

TEST_CASE(M5_the_others_serve, lose_one(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M5_the_others_are_handed_clients, lose_one(w, RONDO_SPREAD_IN_TURN));

static int64_t stop_loop(rondo_loop *loop, size_t index, void *arg)
{
    (void)index;
    (void)arg;
    rondo_loop_stop(loop);
    return 0;
}

static void lose_all(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, spread);

    for (int i = 0; i < 4; i++)
        site_echoes(s, site_connect(s), 10);
    assert_ok(rondo_group_each(c->group, stop_loop, NULL, NULL, NULL));
    test_run_until(w, c->ended == 2);
    assert_int_equal(atomic_load(&s->lost), 4);
    test_spin(w, 3);
    assert_true(raw_connect(s->port) == RONDO_NO_FD);
    site_close(s);
    crew_close(c);
}

TEST_CASE(M5_nobody_listens_for_no_loop, lose_all(w, RONDO_SPREAD_DEFAULT));
TEST_CASE(M5_nobody_accepts_for_no_loop, lose_all(w, RONDO_SPREAD_IN_TURN));

/* ---- M5: a loop that is just ending ------------------------------------- */

struct ending {
    atomic_bool runs, posted, closing, go_on;
};

/* It ends with the next iteration, and has a post then that its close runs. */
static void stop_with_a_post(rondo_loop *loop, void *arg)
{
    struct ending *e = arg;

    atomic_store(&e->runs, true);
    while (!atomic_load(&e->posted))
        ;
    rondo_loop_stop(loop);
}

static void hold_the_close(rondo_loop *loop, void *arg)
{
    struct ending *e = arg;

    (void)loop;
    atomic_store(&e->closing, true);
    while (!atomic_load(&e->go_on))
        ;
}

static void end_one(struct world *w, rondo_spread spread)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, spread);
    struct ending *e = test_alloc(w, sizeof *e);

    assert_ok(rondo_group_post(c->group, 0, stop_with_a_post, e));
    test_run_until(w, atomic_load(&e->runs));
    assert_ok(rondo_group_post(c->group, 0, hold_the_close, e));
    atomic_store(&e->posted, true);
    test_run_until(w, atomic_load(&e->closing));
    for (int i = 0; i < 4; i++)
        site_echoes(s, site_connect(s), 10);
    assert_int_equal(atomic_load(&s->on[1]), 4);
    atomic_store(&e->go_on, true);
    test_run_until(w, c->ended);
    site_close(s);
    crew_close(c);
}

TEST_CASE(M5_in_turn_no_client_is_lost_to_a_loop_that_ends,
          end_one(w, RONDO_SPREAD_IN_TURN));
TEST_CASE(M5_to_the_fewest_no_client_is_lost_to_a_loop_that_ends,
          end_one(w, RONDO_SPREAD_TO_FEWEST));
