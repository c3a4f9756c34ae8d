/* test_server.c - where a server listens. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"

static rondo_server *create(struct world *w, const rondo_server_options *o)
{
    rondo_server *s = NULL;

    assert_int_equal(
        rondo_create_server(w->loop, o, &recorder, test_peer(w), &s), 0);
    assert_non_null(s);
    return s;
}

/* RONDO_OK: any error; words: in the sentence, or NULL */
static void check_refused(struct world *w, const rondo_server_options *o,
                          int error, const char *words)
{
    rondo_server *s = NULL;
    size_t servers = test_metrics(w).live_servers;
    int result = rondo_create_server(w->loop, o, &recorder, NULL, &s);

    if (error || result >= 0)
        assert_error(result, error);
    assert_null(s);
    assert_non_null(strstr(rondo_last_error(), "create_server"));
    if (words)
        assert_non_null(strstr(rondo_last_error(), words));
    assert_int_equal(test_metrics(w).live_servers, servers);
}

static uint16_t port_of(const rondo_server *s)
{
    return raw_local_port(rondo_server_fd(s, 0));
}

/* Whether a client gets in there. */
static bool listens(const char *ip, uint16_t port)
{
    rondo_address a = dial_address(ip, port);
    raw_fd fd = raw_connect_at(&a);

    raw_close(fd);
    return fd != RONDO_NO_FD;
}

/* ---- V1: every interface ------------------------------------------------ */

static void check_every_interface(struct world *w, const char *host)
{
    bool inet6 = raw_has_inet6();
    rondo_server *s = create(w, RONDO_SERVE(.host = host));
    uint16_t port = port_of(s);
    unsigned families[4] = {0};
    size_t count;
    rondo_address a;

    for (count = 0; rondo_server_address(s, count, &a) == 0; count++) {
        families[rondo_address_family(&a)]++;
        assert_int_equal(rondo_address_port(&a), port);
        assert_true(raw_fd_valid(rondo_server_fd(s, count)));
    }
    assert_int_not_equal(port, 0);
    assert_int_equal(count, 1 + inet6);
    assert_int_equal(families[RONDO_FAMILY_INET], 1);
    assert_int_equal(families[RONDO_FAMILY_INET6], inet6);
    assert_true(rondo_server_fd(s, count) == RONDO_NO_FD);
    assert_error(rondo_server_address(s, SIZE_MAX, &a), RONDO_ENOENT);
    assert_true(listens("127.0.0.1", port));
    assert_int_equal(listens("::1", port), inet6);
    test_close_server(w, s);
}

TEST(V1_no_host_is_every_interface_with_one_port)
{
    for (int i = 0; i < 5; i++)
        check_every_interface(w, NULL);
    check_every_interface(w, "");
}

TEST(V1_every_interface_of_one_family)
{
    rondo_server *s = create(w, RONDO_SERVE(.family = RONDO_FAMILY_INET));
    uint16_t port = port_of(s);

    assert_true(listens("127.0.0.1", port));
    assert_true(rondo_server_fd(s, 1) == RONDO_NO_FD);
    if (raw_has_inet6()) {
        rondo_server *six =
            create(w, RONDO_SERVE(.family = RONDO_FAMILY_INET6, .port = port));

        assert_true(listens("::1", port)); /* beside the other: V6ONLY */
        assert_true(rondo_server_fd(six, 1) == RONDO_NO_FD);
        rondo_server_close(six);
    }
    test_close_server(w, s);
}

TEST(V1_v6only_off_takes_both)
{
    rondo_server *s;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback on this machine");
    s = create(w, RONDO_SERVE(.host = "::", .v6only = RONDO_OFF));
    assert_true(listens("::1", port_of(s)));
    assert_true(listens("127.0.0.1", port_of(s)));
    test_close_server(w, s);
    s = create(w, RONDO_SERVE(.host = "::"));
    assert_true(listens("::1", port_of(s)));
    assert_false(listens("127.0.0.1", port_of(s)));
    test_close_server(w, s);
}

/* ---- V1: one address ---------------------------------------------------- */

TEST(V1_one_numeric_host)
{
    rondo_server *s = create(w, RONDO_SERVE(.host = "127.0.0.1"));
    rondo_address expected = dial_address("127.0.0.1", port_of(s));
    rondo_address a;

    assert_ok(rondo_server_address(s, 0, &a));
    assert_true(rondo_address_equal(&a, &expected));
    assert_ptr_equal(rondo_server_loop(s), w->loop);
    assert_true(rondo_server_is_serving(s));
    assert_true(listens("127.0.0.1", port_of(s)));
    assert_error(rondo_server_address(s, 1, &a), RONDO_ENOENT);
    test_close_server(w, s);
    if (!raw_has_inet6())
        return;
    s = create(w, RONDO_SERVE(.host = "::1"));
    assert_true(listens("::1", port_of(s)));
    test_close_server(w, s);
}

TEST_LEAVES(V1_the_server_pointer_may_be_null)
{
    uint16_t port = dial_free_port();

    assert_ok(rondo_create_server(
        w->loop, RONDO_SERVE(.host = "127.0.0.1", .port = port), &recorder,
        test_peer(w), NULL));
    assert_int_equal(test_metrics(w).live_servers, 1);
    assert_true(listens("127.0.0.1", port));
}

TEST(V1_a_name_is_refused_and_not_looked_up)
{
    static const char *const hosts[] = {
        "localhost", "example.org", "127.0.0.1:80",
        "1.2.3",     "127.0.0.1 ",  "[::1]",
        "*",         " ",           "::1%",
        "256.1.1.1", "127.0.0.01",  "::g",
        "127.1",     "0x7f.1"};

    if (!raw_names_replace())
        print_message("look-ups are not counted on this system\n");
    for (unsigned i = 0; i < COUNT_OF(hosts); i++)
        check_refused(w, RONDO_SERVE(.host = hosts[i]), RONDO_EINVAL, hosts[i]);
    assert_int_equal(raw_names_calls(), 0);
}

TEST(V1_options_that_are_refused)
{
    raw_fd dead = raw_dead_fd();
    const struct refusal rows[] = {
        {"not available", RONDO_SERVE(.host = "192.0.2.1"), RONDO_EADDRNOTAVAIL,
         "192.0.2.1"},
        {"not inet6",
         RONDO_SERVE(.host = "127.0.0.1", .family = RONDO_FAMILY_INET6),
         RONDO_OK, NULL},
        {"not inet", RONDO_SERVE(.host = "::1", .family = RONDO_FAMILY_INET),
         RONDO_OK, NULL},
        {"no family", RONDO_SERVE(.family = (rondo_family)77), RONDO_OK, NULL},
        {"host and socket", RONDO_SERVE(.host = "127.0.0.1", .socket = &dead),
         RONDO_EINVAL, NULL},
        {"size 0", &(rondo_server_options){.host = "127.0.0.1"}, RONDO_EINVAL,
         NULL},
    };

    for (EACH_ROW(w, row, rows))
        check_refused(w, row->options, row->error, row->words);
    /* neither protocol, factory nor accepted */
    assert_einval(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                      NULL, NULL, NULL));
}

/* ---- V1: in use --------------------------------------------------------- */

TEST_LEAVES(V1_in_use_is_an_error_at_create)
{
    uint16_t port = port_of(create(w, RONDO_SERVE(.host = "127.0.0.1")));

    check_refused(w, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                  RONDO_EADDRINUSE,
                  test_format(w, "127.0.0.1:%u", (unsigned)port));
    check_refused(w,
                  RONDO_SERVE(.host = "127.0.0.1", .port = port,
                              .reuse_address = RONDO_OFF),
                  RONDO_EADDRINUSE, NULL);
    check_refused(w, RONDO_SERVE(.port = port), RONDO_EADDRINUSE, NULL);
    assert_true(listens("127.0.0.1", port));
}

/* false: somebody else has the port in the other family */
static bool check_one_family_in_use(struct world *w, const char *taken,
                                    const char *is_free)
{
    rondo_address a = dial_address(taken, 0);
    raw_fd fd = raw_listen_at(&a);
    uint16_t port = raw_local_port(fd); /* at the same place in both */
    raw_fd after;

    assert_true(fd != RONDO_NO_FD);
    check_refused(w, RONDO_SERVE(.port = port), RONDO_EADDRINUSE, NULL);
    a = dial_address(is_free, port);
    after = raw_listen_at(&a); /* nothing was left behind there */
    raw_close(after);
    raw_close(fd);
    return after != RONDO_NO_FD;
}

TEST(V1_in_use_in_one_family_is_an_error)
{
    static const char *const any[] = {"0.0.0.0", "::"};

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback on this machine");
    for (int i = 0; i < 2; i++) {
        int tries = 20;

        while (!check_one_family_in_use(w, any[i], any[!i]))
            assert_true(--tries > 0);
    }
}

TEST(V1_the_port_is_free_again_after_close)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_client(w, l);

    rondo_server_close(l->server);
    /* the server's side ends first, so that the port is in TIME_WAIT */
    rondo_transport_close(c->other->transport);
    test_run_until(w, c->lost && l->closed);
    test_close_server(
        w, create(w, RONDO_SERVE(.host = "127.0.0.1", .port = l->port)));
}

/* ---- nonsense ----------------------------------------------------------- */

TEST(V1_null_is_an_error_or_ignored)
{
    assert_einval(rondo_create_server(NULL, RONDO_SERVE(.host = "127.0.0.1"),
                                      &recorder, NULL, NULL));
    assert_einval(rondo_server_address(NULL, 0, NULL));
    assert_einval(rondo_server_start_serving(NULL));
    assert_einval(rondo_server_pause_serving(NULL));
    assert_true(rondo_server_fd(NULL, 0) == RONDO_NO_FD);
    assert_null(rondo_server_loop(NULL));
    assert_false(rondo_server_is_serving(NULL));
    rondo_server_close(NULL);
    rondo_server_close_clients(NULL);
    rondo_server_abort_clients(NULL);
    rondo_server_set_background(NULL, true);
}

/* ---- a socket of the program's ------------------------------------------ */

static void check_socket_refused(struct world *w, raw_fd fd, int error)
{
    bool was_open = raw_fd_valid(fd);

    check_refused(w, RONDO_SERVE(.socket = &fd), error, NULL);
    assert_int_equal(raw_fd_valid(fd), was_open);
}

TEST(C4_a_server_of_the_wrong_socket)
{
    const raw_fd wrong[] = {test_own(w, raw_udp()), test_own(w, raw_file()),
                            test_sockets(w)[0]};

    check_socket_refused(w, raw_dead_fd(), RONDO_EBADF);
    check_socket_refused(w, RONDO_NO_FD, RONDO_EBADF);
    for (int i = 0; i < 3; i++)
        check_socket_refused(w, wrong[i], RONDO_EINVAL);
}

TEST(C4_a_server_of_a_listening_socket)
{
    uint16_t port = 0;
    raw_fd fd = raw_listen(&port, 5);
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.socket = &fd));
    struct peer *c = test_client(w, l);

    assert_int_equal(l->port, port);
    assert_true(rondo_server_fd(l->server, 0) == fd);
    check_socket_refused(w, fd, RONDO_EBUSY); /* it has a server */
    rondo_server_close(l->server);
    assert_false(listens("127.0.0.1", port));
    rondo_transport_close(c->transport);
    test_run_until(w, l->closed);
    assert_false(raw_fd_valid(fd)); /* it was the server's */
}
