/* test_server_factory.c - who gets a new connection. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

/* ---- V4: protocol_factory ----------------------------------------------- */

struct factory {
    struct listener *listener;
    const rondo_protocol *seen_protocol;
    void *seen_self;
    rondo_server *server;
    unsigned calls, drops;
    bool addresses_known;
    unsigned peers_made; /* when it was last called */
    struct peer *peers[16];
    int (*act)(struct factory *f, rondo_transport *t);
};

static struct factory *factory_of; /* the test's; arg is the listener's */

static int make(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct factory *f = factory_of;
    struct listener *l = arg;
    struct peer *p = test_peer(l->w);
    rondo_address here, there;
    int result = 0;

    assert_ptr_equal(l, *self);
    f->listener = l;
    f->server = server;
    f->seen_protocol = *protocol;
    f->seen_self = *self;
    f->addresses_known = rondo_transport_peer_address(t, &there) == 0 &&
                         rondo_transport_local_address(t, &here) == 0 &&
                         rondo_address_port(&here) == l->port &&
                         rondo_transport_fd(t) != RONDO_NO_FD &&
                         rondo_transport_loop(t) == l->w->loop &&
                         rondo_transport_server(t) == server;
    *p = l->model;
    p->transport = t;
    assert_true(f->calls < 16);
    f->peers[f->calls++] = p;
    *self = p;
    /* each second connection speaks the other protocol */
    *protocol = f->calls % 2 ? &recorder : &buffered_recorder;
    if (f->act)
        result = f->act(f, t);
    return result;
}

static struct factory *factory_new(struct world *w, struct listener **l)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    factory_of = test_alloc(w, sizeof *factory_of);
    o.protocol_factory = make;
    *l = test_serve_with(w, &recorder, &o);
    return factory_of;
}

TEST(V4_protocol_and_self_for_each_connection)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);
    struct peer *c[4];

    for (unsigned i = 0; i < 4; i++) {
        c[i] = test_connect(w, l->port);
        test_run_until(w, c[i]->connected && f->calls == i + 1);
        assert_ptr_equal(f->server, l->server);
        assert_ptr_equal(f->seen_protocol, &recorder);
        assert_ptr_equal(f->seen_self, l);
        assert_true(f->addresses_known);
        test_run_until(w, f->peers[i]->made);
        assert_ok(rondo_transport_write(c[i]->transport, "abc", 3));
        test_run_until(w, f->peers[i]->bytes == 3);
        assert_string_equal(f->peers[i]->order, i % 2 ? "Mb" : "Md");
    }
}

static int count_made(struct factory *f, rondo_transport *t)
{
    (void)t;
    f->peers_made = f->peers[f->calls - 1]->made;
    return 0;
}

TEST(V4_the_factory_runs_before_connection_made)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);
    struct peer *c = test_connect(w, l->port);

    f->act = count_made;
    f->peers_made = 99;
    test_run_until(w, c->connected && f->calls && f->peers[0]->made);
    assert_int_equal(f->peers_made, 0);
}

static int greet(struct factory *f, rondo_transport *t)
{
    (void)f;
    assert_ok(rondo_transport_write(t, "hello ", 6));
    return 0;
}

static void greet_more(struct peer *p)
{
    assert_ok(rondo_transport_write(p->transport, "world", 5));
}

TEST(V4_writing_in_the_factory)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);
    struct peer *c = test_peer(w);

    f->act = greet;
    l->model.on_made = greet_more;
    peer_capture(c, 32);
    assert_ok(test_connect_peer(w, l->port, &recorder, c));
    test_run_until(w, c->bytes == 11);
    assert_memory_equal(c->captured, "hello world", 11);
}

static int drop_odd(struct factory *f, rondo_transport *t)
{
    (void)t;
    if (f->calls % 2 == 0)
        return 0;
    f->drops++;
    return f->calls % 4 == 1 ? 1 : RONDO_EACCES; /* whatever is not 0 */
}

static int greet_and_drop(struct factory *f, rondo_transport *t)
{
    (void)greet(f, t);
    return -1;
}

TEST(V4_not_zero_drops_the_connection)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);

    f->act = drop_odd;
    for (unsigned i = 0; i < 8; i++) {
        struct peer *c = test_connect(w, l->port);

        test_run_until(w, c->connected && f->calls == i + 1);
        if (i % 2 == 0) {
            test_run_until(w, c->lost);
            assert_string_equal(f->peers[i]->order, ""); /* nobody called */
        } else {
            test_run_until(w, f->peers[i]->made);
        }
    }
    assert_int_equal(f->drops, 4);
    assert_int_equal(test_metrics(w).live_transports, 8);
    rondo_server_close(l->server);
    rondo_server_close_clients(l->server);
    test_run_until(w, l->closed); /* the dropped ones do not count */
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(f->peers[i]->lost, f->peers[i]->made);
}

TEST(V4_dropped_after_writing)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);
    struct peer *c = test_connect(w, l->port);

    f->act = greet_and_drop;
    test_run_until(w, c->lost && f->calls);
    assert_string_equal(f->peers[0]->order, "");
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}

static int close_transport(struct factory *f, rondo_transport *t)
{
    (void)f;
    rondo_transport_close(t);
    return 0;
}

static int abort_transport(struct factory *f, rondo_transport *t)
{
    (void)f;
    rondo_transport_abort(t);
    return 0;
}

static int close_server(struct factory *f, rondo_transport *t)
{
    (void)t;
    rondo_server_close(f->server);
    return 0;
}

static int abort_clients(struct factory *f, rondo_transport *t)
{
    (void)t;
    rondo_server_abort_clients(f->server);
    rondo_server_close(f->server);
    return 0;
}

static int close_server_and_drop(struct factory *f, rondo_transport *t)
{
    rondo_transport_close(t);
    rondo_server_close(f->server);
    return 1;
}

static int stop_loop(struct factory *f, rondo_transport *t)
{
    (void)f;
    rondo_loop_stop(rondo_transport_loop(t));
    return 0;
}

/* Whatever the factory does: made and lost are paired, and the server ends. */
static void check_act(struct world *w,
                      int (*act)(struct factory *, rondo_transport *),
                      const char *order)
{
    struct listener *l;
    struct factory *f = factory_new(w, &l);
    struct peer *c = test_connect(w, l->port);

    f->act = act;
    test_run_until(w, c->connected && f->calls);
    test_spin(w, 5);
    if (c->transport)
        rondo_transport_close(c->transport);
    if (l->server)
        rondo_server_close(l->server);
    test_run_until(w, c->lost && l->closed);
    assert_string_equal(f->peers[0]->order, order);
}

TEST(V4_anything_may_be_done_in_the_factory)
{
    w->expect_clean = true;
    check_act(w, close_transport, "ML");
    check_act(w, abort_transport, "ML");
    check_act(w, close_server, "MEL");
    check_act(w, abort_clients, "ML");
    check_act(w, close_server_and_drop, "");
    check_act(w, stop_loop, "MEL");
}

TEST(V4_without_a_factory_all_share_protocol_and_self)
{
    struct peer *shared = test_peer(w);
    rondo_server *s = NULL;
    rondo_address a;
    raw_fd fd;

    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &recorder, shared, &s));
    assert_ok(rondo_server_address(s, 0, &a));
    fd = raw_connect(rondo_address_port(&a));
    test_run_until(w, shared->made);
    assert_ptr_equal(rondo_transport_self(shared->transport), shared);
    dial_check_works(w, shared, fd);
    raw_close(fd);
    test_run_until(w, shared->lost);
}

/* ---- V4: accepted ------------------------------------------------------- */

struct handed {
    struct world *w;
    unsigned count;
    raw_fd fds[64];
    rondo_address peers[64];
    bool close_server;
    unsigned closed;
};

static void take(rondo_server *server, void *arg, rondo_fd socket,
                 const rondo_address *peer)
{
    struct handed *h = arg;

    assert_true(h->count < 64);
    h->fds[h->count] = socket;
    h->peers[h->count++] = *peer;
    if (h->close_server)
        rondo_server_close(server);
}

static void note_closed(rondo_server *server, void *arg)
{
    struct handed *h = arg;

    (void)server;
    h->closed++;
}

static struct handed *serve_handing_on(struct world *w, rondo_server **s,
                                       uint16_t *port)
{
    struct handed *h = test_alloc(w, sizeof *h);
    rondo_address a;

    h->w = w;
    assert_ok(
        rondo_create_server(w->loop,
                            RONDO_SERVE(.host = "127.0.0.1", .accepted = take,
                                        .closed = note_closed),
                            NULL, h, s));
    assert_ok(rondo_server_address(*s, 0, &a));
    *port = rondo_address_port(&a);
    return h;
}

TEST(V4_accepted_hands_on_the_socket)
{
    uint16_t port;
    rondo_server *s = NULL;
    struct handed *h = serve_handing_on(w, &s, &port);
    raw_fd client = raw_connect(port);
    struct peer *p = test_peer(w);

    test_run_until(w, h->count == 1);
    assert_int_equal(test_metrics(w).live_transports, 0);
    assert_int_equal(rondo_address_port(&h->peers[0]), raw_local_port(client));
    assert_true(raw_fd_close_on_exec(h->fds[0]));
    assert_int_equal(raw_no_delay(h->fds[0]), 1);
    rondo_server_close(s); /* it is not one of its clients */
    test_run_until(w, h->closed == 1);
    assert_true(raw_fd_valid(h->fds[0]));
    assert_int_equal(raw_send(client, "hi", 2), 2);
    test_adopt(w, h->fds[0], &recorder, p);
    test_run_until(w, p->bytes == 2);
    assert_null(rondo_transport_server(p->transport));
    dial_check_works(w, p, client);
    raw_close(client);
}

TEST(V4_close_inside_accepted)
{
    uint16_t port;
    rondo_server *s = NULL;
    struct handed *h = serve_handing_on(w, &s, &port);
    raw_fd clients[10];

    h->close_server = true;
    for (int i = 0; i < 10; i++)
        clients[i] = raw_connect(port);
    test_run_until(w, h->closed);
    test_spin(w, 3);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->closed, 1);
    raw_close(h->fds[0]);
    for (int i = 0; i < 10; i++)
        raw_close(clients[i]);
}
