/* test_faults_inside.c - what the program does inside what a call asks it. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* ---- inside a resolver's start ------------------------------------------ */

struct inside {
    struct world *w;
    rondo_id id; /* of the connect that asks */
    bool answers, cancels, answers_last;
    int result; /* start's */
    unsigned started, canceled, done;
    int error, inner;
    rondo_id found;
};

static void answer(struct inside *s, rondo_lookup *lookup)
{
    rondo_address a;

    if (rondo_address_parse(&a, "127.0.0.1", 0) == 0)
        rondo_resolver_answer(lookup, &a, 1, 0);
    (void)s;
}

static int start(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints)
{
    struct inside *s = context;

    (void)host;
    (void)service;
    (void)hints;
    s->started++;
    if (s->answers)
        answer(s, lookup);
    if (s->cancels)
        s->inner = rondo_cancel(s->w->loop, s->id);
    if (s->answers_last)
        answer(s, lookup);
    return s->result;
}

static void cancel(void *context, rondo_lookup *lookup)
{
    (void)lookup;
    ((struct inside *)context)->canceled++;
}

static void on_done(rondo_loop *loop, void *arg, rondo_transport *t, int error)
{
    struct inside *s = arg;

    (void)loop;
    s->done++;
    s->error = error;
    if (t)
        rondo_transport_abort(t);
}

static struct inside *inside_new(struct world *w)
{
    struct inside *s = test_alloc(w, sizeof *s);
    const rondo_resolver table = {
        .start = start, .cancel = cancel, .context = s};

    s->w = w;
    assert_ok(rondo_set_resolver(w->loop, &table));
    return s;
}

static void connect_to_name(struct inside *s, uint16_t port)
{
    s->id = rondo_create_connection(
        s->w->loop, RONDO_CONNECT(.host = "some.where", .port = port),
        &recorder, test_peer(s->w), on_done, s);
    assert_true(s->id > 0);
}

/* However it does it, the cancelled connect is told once. */
TEST(C1_a_connect_is_cancelled_inside_its_resolvers_start)
{
    static const struct {
        const char *name;
        bool answers, answers_last;
        int result;
        unsigned canceled;
    } rows[] = {
        {"and refused", false, false, RONDO_ENONAME, 1},
        {"and taken", false, false, 0, 1},
        {"after an answer, and refused", true, false, RONDO_ENONAME, 0},
        {"after an answer, and taken", true, false, 0, 0},
        {"before an answer, and refused", false, true, RONDO_ENONAME, 1},
        {"before an answer, and taken", false, true, 0, 1},
    };

    for (EACH_ROW(w, row, rows)) {
        struct inside *s = inside_new(w);

        s->cancels = true;
        s->answers = row->answers;
        s->answers_last = row->answers_last;
        s->result = row->result;
        connect_to_name(s, 9);
        test_run_loop(w);
        assert_int_equal(s->started, 1);
        assert_int_equal(s->inner, 0);
        assert_int_equal(s->done, 1);
        assert_int_equal(s->error, RONDO_ECANCELED);
        assert_int_equal(s->canceled, row->canceled);
        assert_int_equal(test_metrics(w).live_jobs, 0);
    }
}

TEST(C1_a_resolver_answers_and_refuses)
{
    struct inside *s = inside_new(w);

    s->answers = true;
    s->result = RONDO_ENONAME;
    connect_to_name(s, 9);
    test_run_loop(w);
    assert_int_equal(s->done, 1);
    assert_int_equal(s->error, RONDO_ENONAME);
}

/* ---- inside a call, outside of a run ------------------------------------ */

struct closer {
    struct world *w;
    unsigned called;
    int close, run; /* what these answered */
};

static void try_to_end(struct closer *c)
{
    c->called++;
    c->close = rondo_loop_close(c->w->loop);
    c->run = rondo_loop_run_once(c->w->loop, 0);
}

static int closing_start(void *context, rondo_lookup *lookup, const char *host,
                         const char *service, const rondo_lookup_hints *hints)
{
    (void)lookup;
    (void)host;
    (void)service;
    (void)hints;
    try_to_end(context);
    return 0;
}

static void closing_cancel(void *context, rondo_lookup *lookup)
{
    (void)lookup;
    try_to_end(context);
}

static void closing_handler(rondo_loop *loop, void *arg,
                            const rondo_exception *what)
{
    (void)loop;
    (void)what;
    try_to_end(arg);
}

static void closing_line(void *arg, const char *line, size_t size)
{
    (void)line;
    (void)size;
    try_to_end(arg);
}

static void assert_busy(struct closer *c, unsigned called)
{
    assert_int_equal(c->called, called);
    assert_int_equal(c->close, RONDO_EBUSY);
    assert_int_equal(c->run, RONDO_EBUSY);
    c->close = c->run = 0;
}

static void count_found(rondo_loop *loop, void *arg,
                        const rondo_address *addresses, size_t count,
                        const char *canonical_name, int error)
{
    (void)loop;
    (void)addresses;
    (void)count;
    (void)canonical_name;
    assert_int_equal(error, RONDO_ECANCELED);
    ++*(unsigned *)arg;
}

TEST(L4_a_loop_neither_closes_nor_runs_inside_a_resolver)
{
    struct closer *c = test_alloc(w, sizeof *c);
    const rondo_resolver table = {
        .start = closing_start, .cancel = closing_cancel, .context = c};
    unsigned *found = test_counter(w);
    rondo_id id;

    c->w = w;
    assert_ok(rondo_set_resolver(w->loop, &table));
    id = rondo_getaddrinfo(w->loop, "some.where", NULL, NULL, count_found,
                           found);
    assert_true(id > 0);
    assert_busy(c, 1);
    assert_ok(rondo_cancel(w->loop, id));
    assert_busy(c, 2);
    test_run_loop(w);
    assert_int_equal(*found, 1);
}

TEST(L4_a_loop_neither_closes_nor_runs_inside_an_exception_handler)
{
    struct closer *c = test_alloc(w, sizeof *c);
    rondo_exception what = {.size = sizeof what, .message = "x"};

    c->w = w;
    assert_ok(rondo_loop_set_exception_handler(w->loop, closing_handler, c));
    rondo_loop_call_exception_handler(w->loop, &what);
    assert_busy(c, 1);
    assert_ok(rondo_loop_run_once(w->loop, 0));
}

TEST(L4_a_loop_neither_closes_nor_runs_inside_its_dump)
{
    struct closer *c = test_alloc(w, sizeof *c);
    raw_fd fds[2];

    c->w = w;
    assert_int_equal(raw_pair(fds), 0);
    assert_ok(rondo_add_reader(w->loop, fds[0], ignore_fd, NULL));
    assert_int_equal(rondo_loop_dump(w->loop, closing_line, c), 1);
    assert_busy(c, 1);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
}

/* ---- inside setup and a server's factory -------------------------------- */

typedef void act_fn(rondo_transport *t);

static const rondo_protocol silent = {0};

static void act_nothing(rondo_transport *t)
{
    (void)t;
}

static void act_abort_twice(rondo_transport *t)
{
    rondo_transport_abort(t);
    rondo_transport_abort(t);
}

static void act_write_and_close(rondo_transport *t)
{
    (void)rondo_transport_write(t, "hello", 5);
    (void)rondo_transport_write_eof(t);
    rondo_transport_close(t);
}

static void act_flow(rondo_transport *t)
{
    (void)rondo_transport_pause_reading(t);
    (void)rondo_transport_set_write_buffer_limits(t, 10, 1);
    (void)rondo_transport_set_protocol(t, &silent, NULL);
}

static void act_close_server(rondo_transport *t)
{
    rondo_server_close(rondo_transport_server(t));
}

static const struct {
    const char *name;
    act_fn *fn;
} acts[] = {
    {"nothing", act_nothing},       {"abort", act_abort_twice},
    {"close", act_write_and_close}, {"flow", act_flow},
    {"server", act_close_server},
};

struct doing {
    act_fn *in_setup, *in_factory;
    int setup_error, factory_error;
    unsigned made, lost, closed;
    bool connects; /* what it does is the client's */
};

static void count_made(rondo_transport *t, void *self)
{
    (void)t;
    ((struct doing *)self)->made++;
}

static void count_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    ((struct doing *)self)->lost++;
}

static const rondo_protocol counting = {.connection_made = count_made,
                                        .connection_lost = count_lost};

static int do_setup(rondo_transport *t, void *arg)
{
    struct doing *d = arg;

    d->in_setup(t);
    return d->setup_error;
}

static int do_factory(rondo_server *server, void *arg, rondo_transport *t,
                      const rondo_protocol **protocol, void **self)
{
    struct doing *d = arg;

    (void)server;
    d->in_factory(t);
    *protocol = &counting;
    *self = d;
    return d->factory_error;
}

static void count_closed(rondo_server *server, void *arg)
{
    (void)server;
    ((struct doing *)arg)->closed++;
}

static void try_acts(struct world *w, act_fn *setup, int setup_error,
                     act_fn *factory, int factory_error)
{
    struct doing *d = test_alloc(w, sizeof *d);
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    rondo_server *server;
    rondo_address a;
    raw_fd client;

    d->in_setup = setup;
    d->setup_error = setup_error;
    d->in_factory = factory;
    d->factory_error = factory_error;
    o.host = "127.0.0.1";
    o.setup = do_setup;
    o.setup_arg = d;
    o.protocol_factory = do_factory;
    o.closed = count_closed;
    assert_ok(rondo_create_server(w->loop, &o, NULL, d, &server));
    assert_ok(rondo_server_address(server, 0, &a));
    client = raw_connect(rondo_address_port(&a));
    assert_true(client != RONDO_NO_FD);
    test_spin(w, 5);
    raw_close(client);
    test_spin(w, 5);
    if (!d->closed) {
        rondo_server_abort_clients(server);
        rondo_server_close(server);
    }
    test_run_until(w, d->closed == 1);
    assert_int_equal(d->made, d->lost);
}

TEST(G7_anything_inside_setup_and_factory)
{
    for (EACH_ROW(w, row, acts))
        for (size_t i = 0; i < COUNT_OF(acts); i++)
            for (int errors = 0; errors < 4; errors++)
                try_acts(w, row->fn, errors & 1 ? RONDO_EPROTO : 0, acts[i].fn,
                         errors & 2 ? RONDO_EPROTO : 0);
}

static void connect_done(rondo_loop *loop, void *arg, rondo_transport *t,
                         int error)
{
    (void)loop;
    (void)error;
    ((struct doing *)arg)->closed++;
    if (t)
        rondo_transport_abort(t);
}

TEST(G7_anything_inside_the_setup_of_a_connect)
{
    uint16_t port;
    raw_fd listener = raw_listen(&port, 10);

    for (EACH_ROW(w, row, acts))
        for (int refuses = 0; refuses < 2; refuses++) {
            struct doing *d = test_alloc(w, sizeof *d);

            d->in_setup = row->fn;
            d->setup_error = refuses ? RONDO_EPROTO : 0;
            assert_ok(rondo_create_connection(
                w->loop,
                RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                              .setup = do_setup, .setup_arg = d),
                &counting, d, connect_done, d));
            test_run_until(w, d->closed == 1);
            test_run_until(w, d->made == d->lost);
        }
    raw_close(listener);
}
