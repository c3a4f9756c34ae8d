/* test_faults_datagram.c - a full destination does not hold up the others. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* A path for a socket, its address, and a plain socket there. */
struct place {
    char path[128];
    rondo_address address;
    raw_fd fd;
};

static struct place *place_new(struct world *w, bool plain)
{
    struct place *p = test_alloc(w, sizeof *p);

    if (!raw_path_new(p->path, sizeof p->path))
        test_skip(w, "no unix sockets on this system");
    assert_ok(rondo_address_unix(&p->address, p->path, strlen(p->path)));
    p->fd = plain ? raw_datagram_path(p->path) : RONDO_NO_FD;
    return p;
}

static struct endpoint *server_at(struct world *w, const struct place *p)
{
    struct endpoint *e = endpoint_new(w);

    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.local_address = &p->address)));
    test_run_until(w, e->made);
    return e;
}

/* Numbers, each one higher than the one before; how many are there. */
static uint64_t take(struct place *p, uint64_t first)
{
    uint64_t number, count = 0;

    while (raw_recv_from(p->fd, &number, sizeof number, NULL, 0) ==
           sizeof number) {
        assert_int_equal(number, first + count);
        count++;
    }
    return count;
}

static void give(struct endpoint *e, const struct place *to, uint64_t first,
                 uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        assert_ok(rondo_datagram_send(e->d, &i, sizeof i, &to->address));
}

static void drop(struct place *p)
{
    if (p->fd != RONDO_NO_FD)
        raw_close(p->fd);
    raw_path_drop(p->path);
}

/* More than a client's socket takes, and less than the high limit. */
enum { MANY = 900 };

TEST(D3_a_client_that_does_not_read_holds_up_nobody)
{
    struct place *at = place_new(w, false);
    struct place *deaf = place_new(w, true), *other = place_new(w, true);
    struct endpoint *server = server_at(w, at);
    uint64_t got = 0, deaf_got = 0;

    assert_ok(rondo_datagram_set_write_buffer_limits(server->d, 1 << 20, 0));
    give(server, deaf, 0, MANY);
    test_skip_if(w, rondo_datagram_get_write_buffer_size(server->d) == 0,
                 "a socket takes all of them");
    test_spin(w, 5);
    for (uint64_t i = 0; i < 20; i++) {
        give(server, other, i, 1);
        test_run_until(w, (got += take(other, got)) == i + 1);
    }
    /* nothing is lost, and the order is kept */
    test_run_until(w, (deaf_got += take(deaf, deaf_got)) == MANY);
    assert_int_equal(rondo_datagram_get_write_buffer_size(server->d), 0);
    assert_int_equal(server->errors, 0);
    rondo_datagram_close(server->d);
    test_run_until(w, server->lost);
    drop(deaf);
    drop(other);
    drop(at);
}

enum { CLIENTS = 5, EACH = 100 };

/* Each gets its own in its order, whoever reads when. */
TEST(D3_full_clients_that_read_in_turn)
{
    struct place *at = place_new(w, false), *clients[CLIENTS];
    struct endpoint *server = server_at(w, at);
    uint64_t got[CLIENTS] = {0};
    size_t bytes;

    assert_ok(rondo_datagram_set_write_buffer_limits(server->d, 1 << 20, 0));
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = place_new(w, true);
    for (uint64_t n = 0; n < EACH; n++)
        for (int i = 0; i < CLIENTS; i++)
            give(server, clients[i], n, 1);
    test_spin(w, 3);
    for (int i = CLIENTS - 1; i >= 0; i -= 2)
        test_run_until(w, (got[i] += take(clients[i], got[i])) == EACH);
    bytes = test_live_bytes(w);
    for (int i = CLIENTS - 2; i >= 0; i -= 2)
        test_run_until(w, (got[i] += take(clients[i], got[i])) == EACH);
    assert_int_equal(rondo_datagram_get_write_buffer_size(server->d), 0);
    assert_true(test_live_bytes(w) <= bytes);
    rondo_datagram_close(server->d);
    test_run_until(w, server->lost);
    for (int i = 0; i < CLIENTS; i++)
        drop(clients[i]);
    drop(at);
}

/* A batch of questions, one of them of the client that does not read. */
TEST(D4_answers_of_a_batch_go_past_a_full_client)
{
    struct place *at = place_new(w, false);
    struct place *deaf = place_new(w, true), *other = place_new(w, true);
    struct endpoint *server = server_at(w, at);
    uint64_t got = 0, deaf_got = 0, asked = 0;

    server->on_data = endpoint_echo;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 2; i++, asked++) {
            assert_int_equal(
                raw_send_to(deaf->fd, &asked, sizeof asked, &at->address),
                sizeof asked);
            assert_int_equal(
                raw_send_to(other->fd, &asked, sizeof asked, &at->address),
                sizeof asked);
        }
        test_run_until(w, (got += take(other, got)) == asked);
    }
    test_run_until(w, (deaf_got += take(deaf, deaf_got)) == asked);
    rondo_datagram_close(server->d);
    test_run_until(w, server->lost);
    drop(deaf);
    drop(other);
    drop(at);
}

/* What waits for one that has gone is dropped and told; the rest goes on. */
TEST(D2_a_full_client_leaves)
{
    struct place *at = place_new(w, false);
    struct place *deaf = place_new(w, true), *other = place_new(w, true);
    struct endpoint *server = server_at(w, at);
    uint64_t got = 0;

    give(server, deaf, 0, 100);
    give(server, other, 0, 3);
    test_skip_if(w, rondo_datagram_get_write_buffer_size(server->d) == 0,
                 "a socket takes all of them");
    raw_close(deaf->fd);
    deaf->fd = RONDO_NO_FD;
    test_run_until(w, rondo_datagram_get_write_buffer_size(server->d) == 0);
    assert_true(server->errors > 0);
    assert_int_equal(server->error, RONDO_ECONNREFUSED);
    test_run_until(w, (got += take(other, got)) == 3);
    rondo_datagram_close(server->d);
    test_run_until(w, server->lost);
    drop(deaf);
    drop(other);
    drop(at);
}
