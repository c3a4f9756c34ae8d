/* test_faults_reader.c - a reader's loop, and who hears that a peer has left. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_reader.h"

struct client {
    rondo_reader *reader;
    unsigned connected, lost, ends, resumed;
    int error;
    bool keeps; /* eof_received's answer */
};

static void on_lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;

    (void)t;
    c->lost++;
    c->error = error;
    rondo_reader_free(c->reader);
    c->reader = NULL;
}

static bool on_eof(rondo_transport *t, void *self)
{
    struct client *c = self;

    (void)t;
    c->ends++;
    return c->keeps;
}

static const rondo_protocol listens = {.connection_lost = on_lost};
static const rondo_protocol listens_to_ends = {.eof_received = on_eof,
                                               .connection_lost = on_lost};

struct service {
    struct world *w;
    struct client client;
    const rondo_protocol *protocol;
    rondo_server *server;
    uint16_t port;
};

/* No read is begun. */
static void on_client(rondo_reader *reader, void *arg)
{
    struct service *s = arg;

    s->client.connected++;
    s->client.reader = reader;
    assert_ptr_equal(rondo_reader_loop(reader), s->w->loop);
    assert_ok(rondo_reader_set_protocol(reader, s->protocol, &s->client));
}

static struct service *serve(struct world *w, const rondo_protocol *protocol)
{
    struct service *s = test_alloc(w, sizeof *s);
    rondo_address a;

    s->w = w;
    s->protocol = protocol;
    assert_ok(rondo_start_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"), 0,
                                 on_client, s, &s->server));
    assert_ok(rondo_server_address(s->server, 0, &a));
    s->port = rondo_address_port(&a);
    return s;
}

static void end(struct service *s)
{
    rondo_server_close(s->server);
    test_run_loop(s->w);
}

TEST(S14_a_peer_leaves_while_nobody_reads)
{
    struct service *s = serve(w, &listens);
    raw_fd client = raw_connect(s->port);

    test_run_until(w, s->client.connected == 1);
    raw_close(client);
    /* an end that nobody reads is not answered yet */
    test_spin(w, 3);
    client = raw_connect(s->port);
    rondo_transport_abort(rondo_reader_transport(s->client.reader));
    test_run_until(w, s->client.lost == 1 && s->client.connected == 2);
    assert_int_equal(s->client.error, RONDO_ECANCELED);
    raw_reset(client);
    test_run_until(w, s->client.lost == 2);
    assert_int_equal(s->client.error, RONDO_ECONNRESET);
    end(s);
}

TEST(S14_an_end_is_heard_while_nobody_reads)
{
    struct service *s = serve(w, &listens_to_ends);
    raw_fd client = raw_connect(s->port);

    test_run_until(w, s->client.connected == 1);
    raw_close(client);
    test_run_until(w, s->client.lost == 1);
    assert_int_equal(s->client.ends, 1);
    assert_int_equal(s->client.error, 0);
    end(s);
}

TEST(S14_a_readers_protocol_is_exchanged)
{
    struct service *s = serve(w, &listens_to_ends);
    raw_fd client = raw_connect(s->port);

    test_run_until(w, s->client.connected == 1);
    assert_einval(rondo_reader_set_protocol(NULL, &listens, NULL));
    assert_null(rondo_reader_loop(NULL));
    /* nobody: then the end is not told, and closes once it is read */
    assert_ok(rondo_reader_set_protocol(s->client.reader, NULL, NULL));
    raw_close(client);
    test_spin(w, 5);
    assert_int_equal(s->client.ends + s->client.lost, 0);
    rondo_reader_free(s->client.reader);
    end(s);
}
