/* test_sim_sockets.c - sockets of a host's own, beside Rondo's and given to it. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

static rondo_address address(const char *ip, uint16_t port)
{
    rondo_address a;
    sim_test_must(rondo_address_parse(&a, ip, port));
    return a;
}

/* ---- a client without a loop ---- */

struct plain {
    int64_t connected, sent, got, ended;
    char bytes[8];
    int open;
};

static void talk_to_echo(void *arg)
{
    struct plain *p = arg;
    rondo_address to = address("10.0.0.1", 7), own;
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(fd);
    (void)rondo_sim_sleep(RONDO_MS(1)); /* the server begins */
    p->connected = rondo_sim_connect(fd, &to, RONDO_SEC(1));
    p->sent = rondo_sim_send(fd, "hello", 5, RONDO_SEC(1));
    p->got = rondo_sim_recv(fd, p->bytes, sizeof p->bytes, RONDO_SEC(1));
    sim_test_must(rondo_sim_address(fd, false, &own));
    sim_test_must(rondo_sim_shutdown(fd));
    p->ended = rondo_sim_recv(fd, p->bytes + 6, 1, RONDO_SEC(1));
    rondo_fd copy = rondo_sim_duplicate(fd);
    p->open = rondo_sim_count_descriptors(rondo_sim_self());
    sim_test_must(rondo_sim_close(fd, false));
    sim_test_must(rondo_sim_close(copy, false));
}

TEST(a_client_without_a_loop)
{
    struct echo e = {0};
    struct plain p = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", echo_server, &e));
    int host = rondo_sim_add_host("plain", NULL, talk_to_echo, &p);
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    assert_int_equal(p.connected, 0);
    assert_int_equal(p.sent, 5);
    assert_int_equal(p.got, 5);
    assert_string_equal(p.bytes, "hello");
    assert_int_equal(p.ended, 0);
    assert_int_equal(p.open, 2);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

/* ---- a server without a loop, and a reset ---- */

struct server {
    bool resets;
    int64_t accepted, nothing;
};

static void serve_once(void *arg)
{
    struct server *s = arg;
    char byte;
    rondo_address peer;
    rondo_fd fd = sim_test_listen(0);
    rondo_fd client = rondo_sim_accept(fd, &peer, RONDO_SEC(10));
    s->accepted = client;
    sim_test_must(rondo_sim_recv(client, &byte, 1, RONDO_SEC(1)));
    s->nothing = rondo_sim_recv(client, &byte, 1, RONDO_MS(5));
    sim_test_must(rondo_sim_close(client, s->resets));
}

static void try_end(bool resets, int error)
{
    struct echo e = {.host = "server", .rounds = 5, .clients = 1, .size = 1};
    struct server s = {.resets = resets};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", NULL, serve_once, &s));
    sim_test_must(rondo_sim_run_for(1));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    assert_true(s.accepted >= 1000000);
    assert_int_equal(s.nothing, RONDO_EAGAIN);
    assert_int_equal(e.lost, 1);
    assert_int_equal(e.error, error);
    assert_int_equal(rondo_sim_end(), 0);
}

TEST(a_server_without_a_loop)
{
    try_end(false, 0);
    try_end(true, RONDO_ECONNRESET);
}

/* ---- given to a loop ---- */

struct given {
    char bytes[8];
    int64_t result;
};

static void received(rondo_loop *loop, void *arg, int64_t result)
{
    struct given *g = arg;
    g->result = result;
    rondo_loop_stop(loop);
}

static void give(void *arg)
{
    struct given *g = arg;
    rondo_loop *loop;
    rondo_address at = address("127.0.0.1", 9);
    rondo_fd one = rondo_sim_socket(RONDO_FAMILY_INET, true);
    rondo_fd two = rondo_sim_socket(RONDO_FAMILY_INET, true);
    sim_test_must(rondo_sim_bind(one, &at));
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(
        rondo_sock_recv(loop, one, g->bytes, sizeof g->bytes, received, g));
    sim_test_must(rondo_sim_send_to(two, "given", 5, &at));
    (void)rondo_loop_run_forever(loop);
    sim_test_must(rondo_sim_send_to(two, "again", 5, &at));
    rondo_address from;
    sim_test_must(rondo_sim_recv_from(one, g->bytes, 5, &from, RONDO_SEC(1)));
    (void)rondo_loop_close(loop);
    sim_test_must(rondo_sim_close(one, false));
    sim_test_must(rondo_sim_close(two, false));
}

TEST(an_operation_on_a_socket_of_the_hosts)
{
    struct given g = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, give, &g));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    assert_int_equal(g.result, 5);
    assert_string_equal(g.bytes, "again");
}

/* ---- bad input ---- */

TEST(the_driver_has_no_sockets)
{
    rondo_address a = address("127.0.0.1", 9);
    char byte;
    sim_test_must(rondo_sim_begin(WORLD()));
    const char *words = "by the driver";
    assert_refused(rondo_sim_socket(RONDO_FAMILY_INET, true), RONDO_EINVAL,
                   words);
    assert_refused(rondo_sim_bind(5, &a), RONDO_EINVAL, words);
    assert_refused(rondo_sim_listen(5, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_accept(5, NULL, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_connect(5, &a, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_send(5, "", 1, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_recv(5, &byte, 1, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_send_to(5, "", 1, NULL), RONDO_EINVAL, words);
    assert_refused(rondo_sim_recv_from(5, &byte, 1, NULL, 0), RONDO_EINVAL,
                   words);
    assert_refused(rondo_sim_shutdown(5), RONDO_EINVAL, words);
    assert_refused(rondo_sim_close(5, false), RONDO_EINVAL, words);
    assert_refused(rondo_sim_duplicate(5), RONDO_EINVAL, words);
    assert_refused(rondo_sim_address(5, false, &a), RONDO_EINVAL, words);
    assert_refused(rondo_sim_set_buffers(5, 1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_count_descriptors(3), RONDO_ENONAME, "no host 3");
}

/* A number of the process's, of another host, of nothing. */
static void use_wrong_ones(void *arg)
{
    int64_t *results = arg;
    char byte;
    results[0] = rondo_sim_recv(1, &byte, 1, 0);
    results[1] = rondo_sim_close(1000000, false);
    results[2] = rondo_sim_listen(-5, 1);
    results[3] = rondo_sim_socket(RONDO_FAMILY_ANY, false);
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    results[4] = rondo_sim_bind(fd, NULL);
    results[5] = rondo_sim_connect(fd, NULL, 0);
    results[6] = rondo_sim_address(fd, false, NULL);
    results[7] = rondo_sim_accept(fd, NULL, 0);
}

static void open_one(void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_socket(RONDO_FAMILY_INET, true));
    (void)rondo_sim_sleep(RONDO_SEC(100));
}

TEST(descriptors_that_are_not_of_the_host)
{
    int64_t results[8] = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("other", NULL, open_one, NULL));
    sim_test_must(rondo_sim_run_for(1));
    sim_test_must(rondo_sim_add_host("a", NULL, use_wrong_ones, results));
    sim_test_must(rondo_sim_run_for(1));
    assert_int_equal(results[0], RONDO_EBADF);
    assert_int_equal(results[1], RONDO_EBADF);
    assert_int_equal(results[2], RONDO_EBADF);
    assert_int_equal(results[3], RONDO_EAFNOSUPPORT);
    for (int i = 4; i < 8; i++)
        assert_int_equal(results[i], RONDO_EINVAL);
}
