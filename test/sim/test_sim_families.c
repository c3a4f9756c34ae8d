/* test_sim_families.c - IPv4, IPv6, and sockets that take both. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <arpa/inet.h>
#include <stdio.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

static rondo_address address(const char *ip, uint16_t port)
{
    rondo_address a;
    sim_test_must(rondo_address_parse(&a, ip, port));
    return a;
}

/* Without the port. */
static void show(const rondo_address *a, char text[64])
{
    unsigned char bytes[16];
    size_t size = rondo_address_ip(a, bytes);
    (void)inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, 64);
}

/* Two hosts with both families, and one with IPv4 alone. */
static void begin(rondo_sim_main server, rondo_sim_main client,
                  rondo_sim_main old, void *arg)
{
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", server, arg));
    sim_test_must(rondo_sim_add_ip(0, "fd00::1"));
    sim_test_must(rondo_sim_add_host("client", "10.0.0.2", client, arg));
    sim_test_must(rondo_sim_add_ip(1, "fd00::2"));
    sim_test_must(rondo_sim_add_host("old", "10.0.0.3", old, arg));
}

/* Makes a socket at that address: its descriptor, or an error. */
static int64_t open_at(const char *ip, bool v6only, bool datagram)
{
    rondo_address at = address(ip, 7);
    rondo_family family = rondo_address_family(&at);
    rondo_fd fd = rondo_sim_socket(family, datagram);
    if (family == RONDO_FAMILY_INET6)
        sim_test_must(rondo_sim_set_v6only(fd, v6only));
    int error = rondo_sim_bind(fd, &at);
    if (!error && !datagram)
        error = rondo_sim_listen(fd, 0);
    if (error)
        sim_test_must(rondo_sim_close(fd, false));
    return error ? error : fd;
}

/* ---- binding ---- */

struct bound {
    int64_t result;
    const char *first, *second;
    bool v6only, datagram;
};

static void bind_both(void *arg)
{
    struct bound *b = arg;
    int64_t one = open_at(b->first, b->v6only, b->datagram);
    sim_test_must(one);
    b->result = open_at(b->second, b->v6only, b->datagram);
    if (b->result > 0)
        sim_test_must(rondo_sim_close(b->result, false));
    sim_test_must(rondo_sim_close(one, false));
}

static int64_t bind_result(const char *first, const char *second, bool v6only)
{
    int64_t results[2];
    for (int i = 0; i < 2; i++) {
        struct bound b = {.first = first,
                          .second = second,
                          .v6only = v6only,
                          .datagram = i == 1};
        begin(bind_both, NULL, NULL, &b);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
        (void)rondo_sim_end();
        results[i] = b.result;
    }
    assert_true((results[0] < 0) == (results[1] < 0));
    return results[0] < 0 ? results[0] : 0;
}

TEST(one_port_in_both_families)
{
    assert_int_equal(bind_result("::", "0.0.0.0", true), 0);
    assert_int_equal(bind_result("0.0.0.0", "::", true), 0);
    assert_int_equal(bind_result("::", "0.0.0.0", false), RONDO_EADDRINUSE);
    assert_int_equal(bind_result("0.0.0.0", "::", false), RONDO_EADDRINUSE);
    assert_int_equal(bind_result("::", "10.0.0.1", false), RONDO_EADDRINUSE);
    assert_int_equal(bind_result("10.0.0.1", "::", false), RONDO_EADDRINUSE);
    assert_int_equal(bind_result("10.0.0.1", "::ffff:10.0.0.1", false),
                     RONDO_EADDRINUSE);
    assert_int_equal(bind_result("fd00::1", "10.0.0.1", false), 0);
    assert_int_equal(bind_result("::", "fd00::1", true), RONDO_EADDRINUSE);
    assert_int_equal(bind_result("::", "::ffff:10.0.0.1", true), RONDO_EINVAL);
}

/* ---- streams ---- */

struct talk {
    const char *at, *to; /* where the server listens, and what is dialed */
    bool v6only;
    int64_t result;         /* of the connect */
    char peer[64], own[64]; /* as the server shows them */
    char mine[64], far[64]; /* as the client does */
};

static void serve(void *arg)
{
    struct talk *t = arg;
    rondo_address a;
    rondo_fd fd = open_at(t->at, t->v6only, false);
    sim_test_must(fd);
    rondo_fd client = rondo_sim_accept(fd, &a, RONDO_SEC(10));
    if (client < 0)
        return;
    show(&a, t->peer);
    sim_test_must(rondo_sim_address(client, false, &a));
    show(&a, t->own);
}

static void dial(void *arg)
{
    struct talk *t = arg;
    rondo_address a = address(t->to, 7);
    rondo_fd fd = rondo_sim_socket(rondo_address_family(&a), false);
    sim_test_must(rondo_sim_sleep(RONDO_MS(1)));
    t->result = rondo_sim_connect(fd, &a, RONDO_SEC(5));
    if (t->result < 0)
        return;
    sim_test_must(rondo_sim_address(fd, false, &a));
    show(&a, t->mine);
    sim_test_must(rondo_sim_address(fd, true, &a));
    show(&a, t->far);
}

/* by_old: the host with IPv4 alone dials. */
static void talk(struct talk *t, bool by_old)
{
    begin(serve, by_old ? NULL : dial, by_old ? dial : NULL, t);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(20)));
    (void)rondo_sim_end();
}

TEST(a_server_of_both_families)
{
    struct talk four = {.at = "::", .to = "10.0.0.1"};
    talk(&four, false);
    assert_int_equal(four.result, 0);
    assert_string_equal(four.peer, "::ffff:10.0.0.2");
    assert_string_equal(four.own, "::ffff:10.0.0.1");
    assert_string_equal(four.mine, "10.0.0.2");
    assert_string_equal(four.far, "10.0.0.1");
    struct talk six = {.at = "::", .to = "fd00::1"};
    talk(&six, false);
    assert_int_equal(six.result, 0);
    assert_string_equal(six.peer, "fd00::2");
    struct talk refused = {.at = "::", .to = "10.0.0.1", .v6only = true};
    talk(&refused, false);
    assert_int_equal(refused.result, RONDO_ECONNREFUSED);
}

TEST(an_ipv6_socket_that_dials_ipv4)
{
    struct talk t = {.at = "0.0.0.0", .to = "::ffff:10.0.0.1"};
    talk(&t, false);
    assert_int_equal(t.result, 0);
    assert_string_equal(t.peer, "10.0.0.2");
    assert_string_equal(t.own, "10.0.0.1");
    assert_string_equal(t.mine, "::ffff:10.0.0.2");
    assert_string_equal(t.far, "::ffff:10.0.0.1");
    struct talk wrong = {.at = "0.0.0.0", .to = "fd00::1"};
    talk(&wrong, false);
    assert_int_equal(wrong.result, RONDO_ECONNREFUSED);
}

TEST(a_host_without_ipv6_has_no_route)
{
    struct talk t = {.at = "::", .to = "fd00::1"};
    talk(&t, true);
    assert_int_equal(t.result, RONDO_ENETUNREACH);
    struct talk mapped = {.at = "::", .to = "::ffff:10.0.0.1"};
    talk(&mapped, true);
    assert_int_equal(mapped.result, 0);
    assert_string_equal(mapped.peer, "::ffff:10.0.0.3");
}

/* ---- datagrams ---- */

static void answer(void *arg)
{
    struct talk *t = arg;
    rondo_address from;
    char bytes[8];
    rondo_fd fd = open_at(t->at, t->v6only, true);
    sim_test_must(fd);
    int64_t size =
        rondo_sim_recv_from(fd, bytes, sizeof bytes, &from, RONDO_SEC(10));
    if (size < 0)
        return;
    show(&from, t->peer);
    sim_test_must(rondo_sim_send_to(fd, bytes, (size_t)size, &from));
}

/* Connected: so it hears its peer alone. */
static void ask(void *arg)
{
    struct talk *t = arg;
    rondo_address to = address(t->to, 7), from;
    char bytes[8];
    rondo_fd fd = rondo_sim_socket(rondo_address_family(&to), true);
    sim_test_must(rondo_sim_sleep(RONDO_MS(1)));
    sim_test_must(rondo_sim_connect(fd, &to, 0));
    sim_test_must(rondo_sim_send_to(fd, "hello", 5, NULL));
    t->result =
        rondo_sim_recv_from(fd, bytes, sizeof bytes, &from, RONDO_SEC(5));
    if (t->result >= 0)
        show(&from, t->far);
}

TEST(datagrams_of_both_families)
{
    static const struct {
        const char *at, *to, *peer, *far;
        bool v6only;
        int result;
    } cases[] = {
        {"::", "10.0.0.1", "::ffff:10.0.0.2", "10.0.0.1", false, 5},
        {"::", "fd00::1", "fd00::2", "fd00::1", false, 5},
        {"0.0.0.0", "::ffff:10.0.0.1", "10.0.0.2", "::ffff:10.0.0.1", false, 5},
        {"::", "10.0.0.1", "", "", true, RONDO_ECONNREFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk t = {
            .at = cases[i].at, .to = cases[i].to, .v6only = cases[i].v6only};
        begin(answer, ask, NULL, &t);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(20)));
        (void)rondo_sim_end();
        assert_int_equal(t.result, cases[i].result);
        assert_string_equal(t.peer, cases[i].peer);
        assert_string_equal(t.far, cases[i].far);
    }
}

/* ---- Rondo's server, and names ---- */

static void serve_both(void *arg)
{
    rondo_loop *loop;
    static const rondo_protocol silent;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_server(
        loop, RONDO_SERVE(.host = "::", .port = 7, .v6only = RONDO_OFF),
        &silent, NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

TEST(a_server_of_rondo_takes_both)
{
    struct talk t = {.to = "10.0.0.1"};
    for (int old = 0; old < 2; old++) {
        t.result = 1;
        begin(serve_both, old ? NULL : dial, old ? dial : NULL, &t);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(5)));
        (void)rondo_sim_end();
        assert_int_equal(t.result, 0);
    }
}

struct found {
    rondo_lookup_hints hints;
    char text[300];
};

static void have_found(rondo_loop *loop, void *arg,
                       const rondo_address *addresses, size_t count,
                       const char *canonical_name, int error)
{
    struct found *f = arg;
    size_t used = 0;
    (void)loop;
    (void)canonical_name;
    if (error)
        snprintf(f->text, sizeof f->text, "%s", rondo_error_name(error));
    for (size_t i = 0; i < count; i++) {
        char ip[64];
        show(&addresses[i], ip);
        used += (size_t)snprintf(f->text + used, sizeof f->text - used, "%s%s",
                                 i ? " " : "", ip);
    }
}

static void look_up(void *arg)
{
    struct found *f = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    f->hints.size = sizeof f->hints;
    sim_test_must(
        rondo_getaddrinfo(loop, "server", NULL, &f->hints, have_found, f));
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

TEST(look_ups_of_both_families)
{
    static const struct {
        rondo_lookup_hints hints;
        bool old;
        const char *text;
    } cases[] = {
        {{0}, false, "10.0.0.1 fd00::1"},
        {{.configured = true}, false, "10.0.0.1 fd00::1"},
        {{.configured = true}, true, "10.0.0.1"},
        {{.family = RONDO_FAMILY_INET6}, false, "fd00::1"},
        {{.family = RONDO_FAMILY_INET6, .v4_mapped = true}, false, "fd00::1"},
        {{.family = RONDO_FAMILY_INET6, .v4_mapped = true, .all_mapped = true},
         false,
         "fd00::1 ::ffff:10.0.0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct found f = {.hints = cases[i].hints};
        bool old = cases[i].old;
        begin(NULL, old ? NULL : look_up, old ? look_up : NULL, &f);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(5)));
        (void)rondo_sim_end();
        assert_string_equal(f.text, cases[i].text);
    }
}

/* ---- what makes no sense ---- */

static void set_wrongly(void *arg)
{
    int *results = arg;
    rondo_fd four = rondo_sim_socket(RONDO_FAMILY_INET, false);
    rondo_fd six = rondo_sim_socket(RONDO_FAMILY_INET6, false);
    rondo_address any = address("::", 0);
    results[0] = rondo_sim_set_v6only(four, true);
    results[1] = strstr(rondo_last_error(), "is not of IPv6") != NULL;
    sim_test_must(rondo_sim_bind(six, &any));
    results[2] = rondo_sim_set_v6only(six, true);
    results[3] = strstr(rondo_last_error(), "has an address") != NULL;
    results[4] = rondo_sim_set_v6only(0, true);
}

TEST(v6only_of_the_wrong_socket)
{
    int results[5] = {0};
    begin(set_wrongly, NULL, NULL, results);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_int_equal(results[0], RONDO_EINVAL);
    assert_true(results[1]);
    assert_int_equal(results[2], RONDO_EINVAL);
    assert_true(results[3]);
    assert_int_equal(results[4], RONDO_EBADF);
}
