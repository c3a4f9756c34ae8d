/* harness_net.c - servers, clients and pairs for tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

/* ---- servers ------------------------------------------------------------ */

static int make_peer(rondo_server *server, void *arg, rondo_transport *t,
                     const rondo_protocol **protocol, void **self)
{
    struct listener *l = arg;
    struct peer *p = test_peer(l->w);

    (void)server;
    *p = l->model;
    p->transport = t;
    if (l->last)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
    l->count++;
    *protocol = l->protocol;
    *self = p;
    return 0;
}

static void server_closed(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    (void)server;
    l->closed++;
    l->server = NULL;
}

struct listener *test_serve_with(struct world *w,
                                 const rondo_protocol *protocol,
                                 const rondo_server_options *options)
{
    struct listener *l = test_alloc(w, sizeof *l);
    const struct peer *model = test_peer(w);
    rondo_server_options o = *options;
    rondo_address address;

    l->w = w;
    l->model = *model;
    l->protocol = protocol;
    if (!o.host && !o.path && !o.socket && !o.addresses)
        o.host = "127.0.0.1";
    if (!o.protocol_factory && !o.accepted)
        o.protocol_factory = make_peer;
    if (!o.closed)
        o.closed = server_closed;
    assert_ok(rondo_create_server(w->loop, &o, protocol, l, &l->server));
    l->name = o.path;
    if (o.path)
        return l;
    assert_ok(rondo_server_address(l->server, 0, &address));
    l->port = rondo_address_port(&address);
    return l;
}

struct listener *test_serve(struct world *w)
{
    return test_serve_with(w, &recorder, RONDO_SERVE(.host = "127.0.0.1"));
}

void test_stop(struct listener *l)
{
    rondo_server_close(l->server);
    test_run_until(l->w, l->closed);
}

static void tell(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct trouble *told = arg;

    (void)loop;
    told->count++;
    told->error = what->error;
    told->server = what->server;
    (void)snprintf(told->message, sizeof told->message, "%s", what->message);
}

struct trouble *test_trouble(struct world *w)
{
    struct trouble *told = test_alloc(w, sizeof *told);

    assert_ok(rondo_loop_set_exception_handler(w->loop, tell, told));
    return told;
}

void test_trouble_comes(struct world *w, const struct trouble *told,
                        unsigned count, int error, const char *words)
{
    test_run_until(w, told->count >= count);
    if (told->count != count || told->error != error ||
        (words && !strstr(told->message, words)))
        test_fail(w, "told %u times, the last time %s: %s", told->count,
                  rondo_error_name(told->error), told->message);
}

/* ---- clients ------------------------------------------------------------ */

rondo_id test_connect_peer(struct world *w, uint16_t port,
                           const rondo_protocol *protocol, struct peer *p)
{
    p->id = rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = port), protocol, p,
        peer_connected, p);
    return p->id;
}

struct peer *test_connect(struct world *w, uint16_t port)
{
    struct peer *p = test_peer(w);

    assert_ok(test_connect_peer(w, port, &recorder, p));
    return p;
}

/* Whether they are the two ends of one connection, and made. */
static bool are_connected(const struct peer *client, const struct peer *server)
{
    return client->transport && server && server->transport && server->made &&
           raw_local_port(rondo_transport_fd(client->transport)) ==
               raw_peer_port(rondo_transport_fd(server->transport));
}

struct peer *test_client(struct world *w, struct listener *l)
{
    struct peer *p = test_connect(w, l->port);

    test_run_until(w, p->connected && are_connected(p, l->last));
    p->other = l->last;
    l->last->other = p;
    return p;
}

/* ---- pairs -------------------------------------------------------------- */

void test_adopt(struct world *w, raw_fd fd, const rondo_protocol *protocol,
                struct peer *p)
{
    assert_ok(
        rondo_connect_accepted_socket(w->loop, fd, protocol, p, &p->transport));
    assert_non_null(p->transport);
}

void test_pair_with(struct world *w, const rondo_protocol *protocol_a,
                    struct peer *a, const rondo_protocol *protocol_b,
                    struct peer *b, int buffer_bytes)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    a->other = b;
    b->other = a;
    test_adopt(w, fds[0], protocol_a, a);
    test_adopt(w, fds[1], protocol_b, b);
    test_run_until(w, a->made && b->made);
}

void test_pair(struct world *w, struct peer **a, struct peer **b)
{
    *a = test_peer(w);
    *b = test_peer(w);
    test_pair_with(w, &recorder, *a, &recorder, *b, 0);
}

raw_fd test_raw_peer(struct world *w, const rondo_protocol *protocol,
                     struct peer *p, int buffer_bytes)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    test_adopt(w, fds[0], protocol, p);
    test_run_until(w, p->made);
    return fds[1];
}

uint64_t test_fill_transport(struct world *w, struct peer *p)
{
    unsigned char piece[16384];
    uint64_t sent = 0;

    for (int i = 0; i < 100000; i++) {
        test_fill(piece, sent, sizeof piece);
        assert_ok(rondo_transport_write(p->transport, piece, sizeof piece));
        sent += sizeof piece;
        if (rondo_transport_get_write_buffer_size(p->transport) > 0)
            return sent;
    }
    test_fail(w, "the kernel takes everything");
}

/* one piece of the pattern, of at most `most` bytes; <= 0: the end */
static ptrdiff_t drain_piece(struct world *w, raw_fd fd, uint64_t position,
                             uint64_t most)
{
    unsigned char piece[16384];
    size_t size = most < sizeof piece ? (size_t)most : sizeof piece;
    ptrdiff_t n = RAW_AGAIN;

    test_run_until(w, (n = raw_recv(fd, piece, size, 0)) != RAW_AGAIN);
    if (n > 0 && !test_matches(piece, position, (size_t)n))
        test_fail(w, "the bytes from %llu on are wrong",
                  (unsigned long long)position);
    return n;
}

int64_t test_drain_raw(struct world *w, raw_fd fd, uint64_t position)
{
    int64_t got = 0;
    ptrdiff_t n;

    while ((n = drain_piece(w, fd, position + (uint64_t)got, UINT64_MAX)) > 0)
        got += n;
    return n < 0 ? n : got;
}

void test_ends_raw(struct world *w, raw_fd fd)
{
    ptrdiff_t n = RAW_AGAIN;
    char byte;

    test_run_until(w, (n = raw_recv(fd, &byte, 1, 0)) != RAW_AGAIN);
    assert_true(n == 0 || n == RAW_RESET);
}

uint64_t test_drain_raw_some(struct world *w, raw_fd fd, uint64_t position,
                             uint64_t size)
{
    uint64_t got = 0;
    ptrdiff_t n;

    while (got < size &&
           (n = drain_piece(w, fd, position + got, size - got)) > 0)
        got += (uint64_t)n;
    return got;
}

void test_send_raw(struct world *w, raw_fd fd, uint64_t position, size_t size)
{
    unsigned char piece[16384];
    ptrdiff_t n = 0;

    while (size > 0) {
        size_t part = size < sizeof piece ? size : sizeof piece;

        test_fill(piece, position, part);
        test_run_until(w, (n = raw_send(fd, piece, part)) != RAW_AGAIN);
        if (n < 0)
            test_fail(w, "the plain socket's send failed (%d)", (int)n);
        position += (uint64_t)n;
        size -= (size_t)n;
    }
}

void test_write_pattern(struct world *w, struct peer *p, uint64_t size,
                        size_t piece)
{
    unsigned char *bytes = test_alloc(w, piece);

    for (uint64_t sent = 0; sent < size;) {
        size_t n = size - sent < piece ? (size_t)(size - sent) : piece;

        test_fill(bytes, sent, n);
        assert_true(assert_ok(rondo_transport_write(p->transport, bytes, n)) <=
                    1);
        sent += n;
        test_run_until(w, !rondo_transport_is_writing_paused(p->transport));
    }
}

static void pause_now_and_then(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    if (p->data % 7 == 3)
        assert_ok(rondo_transport_pause_reading(p->transport));
}

/* Writes as long as nobody says pause: where it is then. */
static uint64_t pour(struct peer *p, uint64_t sent, uint64_t size)
{
    unsigned char piece[10000];

    while (sent < size && !rondo_transport_is_writing_paused(p->transport)) {
        size_t n =
            size - sent < sizeof piece ? (size_t)(size - sent) : sizeof piece;

        test_fill(piece, sent, n);
        assert_ok(rondo_transport_write(p->transport, piece, n));
        sent += n;
    }
    return sent;
}

void test_exchange(struct world *w, struct peer *a, struct peer *b,
                   uint64_t size)
{
    uint64_t from_a = 0, from_b = 0;

    a->on_data = b->on_data = pause_now_and_then;
    while (a->bytes < size || b->bytes < size) {
        from_a = pour(a, from_a, size);
        from_b = pour(b, from_b, size);
        assert_ok(rondo_transport_resume_reading(a->transport));
        assert_ok(rondo_transport_resume_reading(b->transport));
        test_spin(w, 2);
    }
    assert_received(a, size);
    assert_received(b, size);
    a->on_data = b->on_data = NULL;
    /* the last piece may have paused them */
    assert_ok(rondo_transport_resume_reading(a->transport));
    assert_ok(rondo_transport_resume_reading(b->transport));
}

size_t test_settle(struct world *w, const struct peer *p)
{
    size_t size = rondo_transport_get_write_buffer_size(p->transport);

    for (int same = 0; same < 30; same++) {
        size_t before = size;

        test_spin(w, 1);
        size = rondo_transport_get_write_buffer_size(p->transport);
        if (size != before)
            same = 0;
    }
    return size;
}

/* ---- watchers ------------------------------------------------------------ */

static void ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ++*(unsigned *)arg;
}

bool test_watches(struct world *w, raw_fd fd, int refusal)
{
    unsigned *calls = test_alloc(w, sizeof *calls);
    int result = rondo_add_writer(w->loop, fd, ready, calls);

    if (result == 0) {
        test_run_until(w, *calls > 0);
        assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
        return true;
    }
    assert_error(result, refusal);
    assert_true(strlen(rondo_last_error()) > 20);
    return false;
}

void test_close_server(struct world *w, rondo_server *server)
{
    rondo_server_close(server);
    test_run_until(w, test_metrics(w).live_servers == 0);
}
