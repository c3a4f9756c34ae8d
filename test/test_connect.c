/* test_connect.c - what connects, what cannot, and how that is told. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"

/* ---- C1: exactly one target --------------------------------------------- */

/* RONDO_OK: whichever error */
TEST(C1_options_that_are_refused)
{
    raw_fd *fds = test_sockets(w);
    rondo_address address = dial_address("127.0.0.1", 9);
    rondo_address empty = {0};
    const struct refusal rows[] = {
        {"NULL", NULL, RONDO_EINVAL, NULL},
        {"no target", RONDO_CONNECT(.port = 9), RONDO_EINVAL, NULL},
        {"host, address",
         RONDO_CONNECT(.host = "127.0.0.1", .address = &address), RONDO_EINVAL,
         NULL},
        {"host, socket", RONDO_CONNECT(.host = "127.0.0.1", .socket = fds),
         RONDO_EINVAL, NULL},
        {"address, socket", RONDO_CONNECT(.address = &address, .socket = fds),
         RONDO_EINVAL, NULL},
        {"all three",
         RONDO_CONNECT(.host = "127.0.0.1", .address = &address, .socket = fds),
         RONDO_EINVAL, NULL},
        {"size 0", &(rondo_connect_options){.host = "127.0.0.1", .port = 9},
         RONDO_EINVAL, NULL},
        {"size 3",
         &(rondo_connect_options){.size = 3, .host = "127.0.0.1", .port = 9},
         RONDO_EINVAL, NULL},
        {"timeout", RONDO_CONNECT(.host = "127.0.0.1", .timeout_ns = -1),
         RONDO_EINVAL, NULL},
        {"least timeout",
         RONDO_CONNECT(.host = "127.0.0.1", .timeout_ns = INT64_MIN),
         RONDO_EINVAL, NULL},
        {"family",
         RONDO_CONNECT(.host = "127.0.0.1", .family = (rondo_family)99),
         RONDO_EINVAL, NULL},
        {"empty address", RONDO_CONNECT(.address = &empty), RONDO_OK, NULL},
    };

    for (EACH_ROW(w, row, rows))
        dial_refused(w, row->options, row->error);
    assert_true(raw_fd_valid(fds[0])); /* still the caller's */
    assert_einval(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = 9), NULL, w, NULL,
        NULL));
    assert_einval(rondo_create_connection(
        NULL, RONDO_CONNECT(.host = "127.0.0.1", .port = 9), &recorder, w, NULL,
        NULL));
}

/* options of a program compiled against a newer header, and of an older */
TEST_LEAVES(C1_options_of_another_version)
{
    uint16_t port = test_serve(w)->port;
    struct {
        rondo_connect_options known;
        uint64_t unknown[4];
    } newer = {
        .known = {.size = sizeof newer, .host = "127.0.0.1", .port = port}};
    rondo_connect_options older = {
        .size = offsetof(rondo_connect_options, local_address),
        .host = "127.0.0.1",
        .port = port,
        .timeout_ns = -77}; /* beyond its size: not looked at */

    dial_ends(w, dial_new(w, &newer.known), 0);
    dial_ends(w, dial_new(w, &older), 0);
}

/* ---- C1: done ----------------------------------------------------------- */

/* callbacks between made and done */
static void count_between(rondo_loop *loop, void *arg)
{
    const struct peer *p = arg;

    if (p->made && !p->connected)
        count_call(loop, p->user);
}

static void made_schedules(struct peer *p)
{
    assert_int_equal(p->connected, 0);
    assert_ok(rondo_call_soon(p->w->loop, count_between, p));
    assert_ok(rondo_call_later(p->w->loop, 0, count_between, p));
}

TEST_LEAVES(C1_done_comes_directly_after_connection_made)
{
    uint16_t port = test_serve(w)->port;

    for (int i = 0; i < 20; i++) {
        struct peer *p = test_peer(w);

        p->user = test_counter(w);
        p->on_made = made_schedules;
        for (int k = 0; k < 5; k++) /* others are waiting for their turn */
            assert_ok(rondo_call_later(w->loop, 0, count_between, p));
        assert_ok(test_connect_peer(w, port, &recorder, p));
        assert_int_equal(p->made + p->connected, 0); /* not inside the call */
        dial_ends(w, p, 0);
        test_spin(w, 2);
        assert_int_equal(*(unsigned *)p->user, 0);
    }
}

static void connect_again(struct peer *p)
{
    p->other = test_connect(p->w, dial_dead_port());
}

TEST(C1_done_without_connection_made_when_refused)
{
    uint16_t port = dial_dead_port();
    struct peer *p = test_connect(w, port);
    const char *text = test_format(w, "127.0.0.1:%u", (unsigned)port);

    p->on_connected = connect_again; /* which may be done inside done */
    assert_int_equal(p->connected, 0);
    dial_ends(w, p, RONDO_ECONNREFUSED);
    assert_non_null(strstr(p->last_error, text));
    assert_non_null(strstr(p->last_error, "refused"));
    test_run_loop(w);
    assert_string_equal(p->order, "");
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->other->connect_error, RONDO_ECONNREFUSED);
}

TEST(C1_done_may_be_null)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    const uint16_t ports[] = {l->port, dial_dead_port()};

    for (int i = 0; i < 2; i++)
        assert_ok(rondo_create_connection(
            w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = ports[i]),
            &recorder, i ? test_peer(w) : p, NULL, NULL));
    test_run_until(w, p->made && test_metrics(w).live_operations == 0);
    rondo_transport_close(p->transport);
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_string_equal(p->order, "ML");
}

/* Inside connection_made it is done nonetheless. */
TEST(C1_ended_in_connection_made_or_in_done)
{
    static const struct {
        const char *name;
        void (*made)(struct peer *), (*connected)(struct peer *);
        int error;
    } rows[] = {{"closed in made", act_close, NULL, 0},
                {"aborted in made", act_abort, NULL, RONDO_ECANCELED},
                {"closed in done", NULL, act_close, 0},
                {"aborted in done", NULL, act_abort, RONDO_ECANCELED}};

    for (EACH_ROW(w, row, rows)) {
        struct listener *l = test_serve(w);
        struct peer *p = test_connect(w, l->port);

        p->on_made = row->made;
        p->on_connected = row->connected;
        assert_lost(w, p, "ML", row->error);
        assert_int_equal(p->connected, 1);
        assert_int_equal(p->connect_error, 0);
        rondo_server_close(l->server);
        test_run_until(w, l->closed);
    }
}

TEST_LEAVES(C1_writing_in_connection_made_and_in_done)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_connect(w, l->port);

    p->on_made = p->on_connected = act_hello;
    test_run_until(w, l->count == 1 && l->first->bytes == 10);
}

TEST_LEAVES(C1_many_at_once_are_each_done_once)
{
    enum { MANY = 150 };
    struct listener *l = test_serve(w);
    struct peer *p[MANY];

    for (int i = 0; i < MANY; i++)
        p[i] = test_connect(w, i % 3 == 0 ? dial_dead_port() : l->port);
    assert_int_equal(test_metrics(w).live_operations, MANY);
    test_run_until(w, test_metrics(w).live_operations == 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(p[i]->connected, 1);
        assert_int_equal(p[i]->connect_error,
                         i % 3 == 0 ? RONDO_ECONNREFUSED : 0);
    }
    test_run_until(w, l->count == MANY / 3 * 2);
}

/* ---- C1: targets -------------------------------------------------------- */

TEST_LEAVES(C1_an_address_instead_of_a_host)
{
    struct listener *l = test_serve(w);
    rondo_address address = dial_address("127.0.0.1", l->port);
    struct peer *p = dial_new(w, RONDO_CONNECT(.address = &address));

    memset(&address, 0, sizeof address); /* it was copied */
    dial_ends(w, p, 0);
    dial_check_peer(p, "127.0.0.1", l->port);
}

TEST_LEAVES(C1_inet6)
{
    struct listener *l;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 loopback on this machine");
    l = test_serve_with(w, &recorder, RONDO_SERVE(.host = "::1"));
    dial_ends(w, dial_new(w, RONDO_CONNECT(.host = "::1", .port = l->port)), 0);
    test_run_until(w, l->count == 1);
}

TEST(C1_family_that_the_literal_is_not_of)
{
    struct peer *p = test_peer(w);
    rondo_id id = dial(w,
                       RONDO_CONNECT(.host = "127.0.0.1", .port = 9,
                                     .family = RONDO_FAMILY_INET6),
                       p);

    if (id > 0) /* an error of the call or of done: one of them */
        dial_ends(w, p, RONDO_EAFNOSUPPORT);
    else
        assert_error(id, RONDO_EAFNOSUPPORT);
}

/* The kernel refuses it at once, so that nothing leaves the machine. */
TEST(C1_unreachable)
{
    struct peer *p = dial_new(w, RONDO_CONNECT(.host = "224.0.0.1", .port = 9));

    test_run_until(w, p->connected);
    assert_true(p->connect_error < 0);
    assert_int_not_equal(p->connect_error, RONDO_ETIMEDOUT);
    assert_non_null(strstr(p->last_error, "224.0.0.1:9"));
    assert_string_equal(p->order, "");
}

TEST_LEAVES(C1_no_descriptor_left)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    test_exhaust_descriptors(w, 0);
    if (test_connect_peer(w, l->port, &recorder, p) > 0)
        test_run_until(w, p->connected);
    test_free_descriptors(w);
    assert_int_equal(p->id > 0 ? p->connect_error : p->id, RONDO_EMFILE);
    (void)test_client(w, l); /* and now there are some */
}

TEST_LEAVES(C1_no_delay_and_keep_alive)
{
    static const struct {
        const char *name;
        rondo_switch no_delay, keep_alive;
        int no_delay_is, keep_alive_is;
    } rows[] = {{"default", RONDO_DEFAULT, RONDO_DEFAULT, 1, 0},
                {"keep alive", RONDO_OFF, RONDO_ON, 0, 1},
                {"no delay", RONDO_ON, RONDO_OFF, 1, 0}};
    uint16_t port = test_serve(w)->port;

    for (EACH_ROW(w, row, rows)) {
        struct peer *p =
            dial_new(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                                      .no_delay = row->no_delay,
                                      .keep_alive = row->keep_alive));
        rondo_fd fd;

        dial_ends(w, p, 0);
        fd = rondo_transport_fd(p->transport);
        assert_int_equal(raw_no_delay(fd), row->no_delay_is);
        assert_int_equal(raw_keep_alive(fd), row->keep_alive_is);
    }
}
