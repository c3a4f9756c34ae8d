/* test_server_factory.c - who gets a new connection. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"

/* ---- V4: protocol_factory ----------------------------------------------- */

/* What a factory does besides choosing. */
enum {
    GREET = 1,
    CLOSE = 2,
    ABORT = 4,
    ABORT_CLIENTS = 8,
    CLOSE_SERVER = 16,
    STOP = 32,
    DROP = 64,
    DROP_EACH_SECOND = 128
};

struct factory {
    struct listener *l;
    const rondo_protocol *seen_protocol;
    void *seen_self;
    rondo_server *server;
    unsigned calls, drops, acts;
    bool addresses_known;
    struct peer *peers[16];
};

static struct factory *factory_of; /* the test's; arg is the listener's */

static int act(struct factory *f, rondo_transport *t)
{
    if (f->acts & GREET)
        assert_ok(rondo_transport_write(t, "hello ", 6));
    if (f->acts & CLOSE)
        rondo_transport_close(t);
    if (f->acts & ABORT)
        rondo_transport_abort(t);
    if (f->acts & ABORT_CLIENTS)
        rondo_server_abort_clients(f->server);
    if (f->acts & CLOSE_SERVER)
        rondo_server_close(f->server);
    if (f->acts & STOP)
        rondo_loop_stop(rondo_transport_loop(t));
    if (f->acts & DROP || (f->acts & DROP_EACH_SECOND && f->calls % 2))
        return ++f->drops % 2 ? 1 : RONDO_EACCES; /* whatever is not 0 */
    return 0;
}

static int make(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct factory *f = factory_of;
    struct listener *l = arg;
    struct peer *p = test_peer(l->w);
    rondo_address here, there;

    assert_ptr_equal(l, *self);
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
    return act(f, t);
}

static struct factory *factory_new(struct world *w, unsigned acts)
{
    factory_of = test_alloc(w, sizeof *factory_of);
    factory_of->acts = acts;
    factory_of->l =
        test_serve_with(w, &recorder, RONDO_SERVE(.protocol_factory = make));
    return factory_of;
}

/* Connects, and runs until the factory has been called. */
static struct peer *connect_to(struct world *w, struct factory *f)
{
    unsigned before = f->calls;
    struct peer *c = test_connect(w, f->l->port);

    test_run_until(w, c->connected && f->calls == before + 1);
    return c;
}

TEST_LEAVES(V4_protocol_and_self_for_each_connection)
{
    struct factory *f = factory_new(w, 0);

    for (unsigned i = 0; i < 4; i++) {
        struct peer *c = connect_to(w, f);

        assert_ptr_equal(f->server, f->l->server);
        assert_ptr_equal(f->seen_protocol, &recorder);
        assert_ptr_equal(f->seen_self, f->l);
        assert_true(f->addresses_known);
        test_run_until(w, f->peers[i]->made); /* after the factory */
        assert_ok(rondo_transport_write(c->transport, "abc", 3));
        test_run_until(w, f->peers[i]->bytes == 3);
        assert_string_equal(f->peers[i]->order, i % 2 ? "Mb" : "Md");
    }
}

TEST_LEAVES(V4_writing_in_the_factory)
{
    struct factory *f = factory_new(w, GREET);
    struct peer *c = test_connect(w, f->l->port);

    f->l->model.on_made = act_hello;
    test_run_until(w, c->bytes == 11);
    assert_memory_equal(c->captured, "hello hello", 11);
}

TEST(V4_not_zero_drops_the_connection)
{
    struct factory *f = factory_new(w, DROP_EACH_SECOND);

    for (unsigned i = 0; i < 8; i++) {
        struct peer *c = connect_to(w, f);

        if (i % 2 == 0) {
            test_run_until(w, c->lost);
            assert_string_equal(f->peers[i]->order, ""); /* nobody called */
        } else {
            test_run_until(w, f->peers[i]->made);
        }
    }
    assert_int_equal(f->drops, 4);
    assert_int_equal(test_metrics(w).live_transports, 8);
    rondo_server_close(f->l->server);
    rondo_server_close_clients(f->l->server);
    test_run_until(w, f->l->closed); /* the dropped ones do not count */
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(f->peers[i]->lost, f->peers[i]->made);
}

/* Whatever the factory does: made and lost are paired, and the server ends. */
TEST(V4_anything_may_be_done_in_the_factory)
{
    static const struct {
        const char *name;
        unsigned acts;
        const char *order;
    } rows[] = {{"closes it", CLOSE, "ML"},
                {"aborts it", ABORT, "ML"},
                {"closes the server", CLOSE_SERVER, "MEL"},
                {"aborts the clients", ABORT_CLIENTS | CLOSE_SERVER, "ML"},
                {"closes both and drops", CLOSE | CLOSE_SERVER | DROP, ""},
                {"drops after writing", GREET | DROP, ""},
                {"stops the loop", STOP, "MEL"}};

    for (EACH_ROW(w, row, rows)) {
        struct factory *f = factory_new(w, row->acts);
        struct peer *c = connect_to(w, f);

        test_spin(w, 5);
        if (c->transport)
            rondo_transport_close(c->transport);
        if (f->l->server)
            rondo_server_close(f->l->server);
        test_run_until(w, c->lost && f->l->closed);
        assert_string_equal(f->peers[0]->order, row->order);
    }
}

TEST_LEAVES(V4_without_a_factory_all_share_protocol_and_self)
{
    struct peer *shared = test_peer(w);
    rondo_server *s = NULL;
    raw_fd fd;

    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &recorder, shared, &s));
    fd = raw_connect(raw_local_port(rondo_server_fd(s, 0)));
    test_run_until(w, shared->made);
    assert_ptr_equal(rondo_transport_self(shared->transport), shared);
    dial_check_works(w, shared, fd);
    raw_close(fd);
    test_run_until(w, shared->lost);
}

/* ---- V4: accepted ------------------------------------------------------- */

struct handed {
    rondo_server *server;
    uint16_t port;
    unsigned count;
    raw_fd fds[16];
    rondo_address peers[16];
    bool close_server;
    unsigned closed;
};

static void take(rondo_server *server, void *arg, rondo_fd socket,
                 const rondo_address *peer)
{
    struct handed *h = arg;

    assert_true(h->count < 16);
    h->fds[h->count] = socket;
    h->peers[h->count++] = *peer;
    if (h->close_server)
        rondo_server_close(server);
}

static void note_closed(rondo_server *server, void *arg)
{
    (void)server;
    ((struct handed *)arg)->closed++;
}

static struct handed *serve_handing_on(struct world *w)
{
    struct handed *h = test_alloc(w, sizeof *h);

    assert_ok(
        rondo_create_server(w->loop,
                            RONDO_SERVE(.host = "127.0.0.1", .accepted = take,
                                        .closed = note_closed),
                            NULL, h, &h->server));
    h->port = raw_local_port(rondo_server_fd(h->server, 0));
    return h;
}

TEST_LEAVES(V4_accepted_hands_on_the_socket)
{
    struct handed *h = serve_handing_on(w);
    raw_fd client = test_own(w, raw_connect(h->port));
    struct peer *p = test_peer(w);

    test_run_until(w, h->count == 1);
    assert_int_equal(test_metrics(w).live_transports, 0);
    assert_int_equal(rondo_address_port(&h->peers[0]), raw_local_port(client));
    assert_true(raw_fd_close_on_exec(h->fds[0]));
    assert_int_equal(raw_no_delay(h->fds[0]), 1);
    rondo_server_close(h->server); /* it is not one of its clients */
    test_run_until(w, h->closed == 1);
    assert_true(raw_fd_valid(h->fds[0]));
    assert_int_equal(raw_send(client, "hi", 2), 2);
    test_adopt(w, h->fds[0], &recorder, p);
    test_run_until(w, p->bytes == 2);
    assert_null(rondo_transport_server(p->transport));
    dial_check_works(w, p, client);
}

TEST(V4_close_inside_accepted)
{
    struct handed *h = serve_handing_on(w);

    h->close_server = true;
    for (int i = 0; i < 10; i++)
        (void)test_own(w, raw_connect(h->port));
    test_run_until(w, h->closed);
    test_spin(w, 3);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->closed, 1);
    raw_close(h->fds[0]);
}
