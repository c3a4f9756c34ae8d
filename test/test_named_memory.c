/* test_named_memory.c - pipes by name when the n-th allocation fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_named.h"

/* A server, some clients that each send and are answered, all closed: played
 * with the first allocation failing, then the second, until no more fails. */
struct scene {
    struct world *w;
    const char *name;
    rondo_server *server;
    unsigned closed, told; /* told: exceptions */
};

enum { CLIENTS = 3, SIZE = 6000, PATIENCE = 60 };

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct scene *s = arg;

    (void)loop;
    assert_int_equal(what->error, RONDO_ENOMEM);
    assert_ptr_equal(what->server, s->server);
    assert_true(strstr(what->message, "accept") != NULL);
    s->told++;
}

static void echo(rondo_transport *t, void *self, const void *data, size_t size)
{
    int result = rondo_transport_write(t, data, size);

    (void)self;
    if (result < 0) /* else the client would wait for ever */
        rondo_transport_abort_with(t, result);
}

static const rondo_protocol echoing = {.data_received = echo};

static void note_closed(rondo_server *server, void *arg)
{
    struct scene *s = arg;

    assert_ptr_equal(server, s->server);
    s->closed++;
}

static int serve(struct scene *s)
{
    return rondo_create_server(
        s->w->loop, RONDO_SERVE(.path = s->name, .closed = note_closed),
        &echoing, s, &s->server);
}

static bool has_ended(const struct peer *p)
{
    return p->connect_error || p->lost || p->bytes == SIZE;
}

/* Answers with its peer if there was a connection. Else it is told why not: by
 * the call or by done. */
static struct peer *visit(struct scene *s)
{
    struct world *w = s->w;
    struct peer *p = test_peer(w);
    unsigned char data[SIZE];
    rondo_id id = dial(w, RONDO_CONNECT(.path = s->name), p);

    if (id < 0) {
        assert_error(id, RONDO_ENOMEM);
        return NULL;
    }
    test_run_until(w, p->connected);
    if (p->connect_error) {
        assert_int_equal(p->connect_error, RONDO_ENOMEM);
        return NULL;
    }
    test_fill(data, 0, SIZE);
    if (!p->lost && rondo_transport_write(p->transport, data, SIZE) < 0)
        rondo_transport_close(p->transport);
    return p;
}

/* Accepting may be waiting for memory, which is back before long. */
static void leave(struct world *w, struct peer *p)
{
    uint64_t end = test_iterations(w) + PATIENCE;

    test_run_until(w, has_ended(p) || test_iterations(w) > end);
    if (!has_ended(p)) {
        test_fail_allocation(w, 0);
        test_run_until(w, has_ended(p));
    }
    if (!p->lost)
        rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
}

/* Whether an allocation has failed. */
static bool play(struct scene *s, uint64_t n,
                 void (*forbid)(struct world *, uint64_t))
{
    struct world *w = s->w;
    bool failed;
    int error;

    s->closed = 0;
    s->name = named_name(w);
    forbid(w, n);
    error = serve(s);
    failed = error != 0;
    if (error) {
        assert_error(error, RONDO_ENOMEM);
        test_fail_allocation(w, 0);
        assert_ok(serve(s));
    }
    for (int i = 0; i < CLIENTS; i++) {
        struct peer *p = visit(s);

        if (p)
            leave(w, p);
    }
    failed = failed || test_failed_allocations(w) > 0;
    test_fail_allocation(w, 0);
    /* all is well again */
    struct peer *last = visit(s);
    assert_non_null(last);
    test_run_until(w, last->bytes == SIZE);
    leave(w, last);
    rondo_server_close(s->server);
    test_run_until(w, s->closed);
    assert_int_equal(test_metrics(w).live_transports, 0);
    return failed;
}

static void play_all(struct world *w, void (*forbid)(struct world *, uint64_t))
{
    struct scene *s = test_alloc(w, sizeof *s);
    uint64_t n = 1;

    s->w = w;
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, s));
    while (play(s, n, forbid))
        n++;
    assert_true(n > 8);
    assert_true(s->told > 0);
}

TEST_CASE(G8_one_allocation_fails, play_all(w, test_fail_allocation));

TEST_CASE(G8_all_fail_from_one_on, play_all(w, test_fail_allocations_from));
