/* test_named_flow.c - pipes by name: flow control, factories, closing loops. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_named.h"

/* ---- flow control ------------------------------------------------------- */

TEST_LEAVES(S4_a_pipe_pauses_and_resumes_at_the_limits)
{
    enum { PIECE = 10000 };
    unsigned char data[PIECE];
    struct named_pair p = named_pair(w);
    uint64_t sent = 0;
    int over = 0;

    assert_ok(
        rondo_transport_set_write_buffer_limits(p.c->transport, 30000, 15000));
    assert_ok(rondo_transport_pause_reading(p.s->transport));
    test_spin(w, 3);
    while (!over && sent < (8u << 20)) {
        test_fill(data, sent, PIECE);
        over =
            (int)assert_ok(rondo_transport_write(p.c->transport, data, PIECE));
        sent += PIECE;
        test_spin(w, 2);
    }
    assert_int_equal(over, 1);
    assert_int_equal(p.c->pauses, 1);
    assert_true(rondo_transport_is_writing_paused(p.c->transport));
    assert_true(peer_buffered(p.c) > 30000 || p.c->resumes);
    test_spin(w, 20);
    assert_int_equal(p.c->resumes, 0);
    assert_int_equal(p.s->bytes, 0);
    assert_ok(rondo_transport_resume_reading(p.s->transport));
    test_run_until(w, p.c->resumes == 1);
    assert_true(peer_buffered(p.c) <= 15000);
    assert_received(p.s, sent);
    assert_int_equal(p.c->pauses, 1);
    assert_int_equal(p.c->resumes, 1);
}

/* What is unread stays in the pipe, and its writer has to wait. */
TEST_LEAVES(S5_a_paused_reader_holds_up_its_writer)
{
    enum { MUCH = 1 << 20 };
    unsigned char *data = test_alloc(w, MUCH);
    struct named_pair p = named_pair(w);
    size_t waits;

    p.s->on_data = act_pause_in_data;
    test_fill(data, 0, MUCH);
    assert_int_equal(rondo_transport_write(p.c->transport, data, MUCH), 1);
    test_run_until(w, p.s->bytes > 0);
    test_spin(w, 20);
    waits = peer_buffered(p.c);
    assert_true(p.s->bytes < MUCH / 2 && waits > MUCH / 2);
    assert_true(test_run_for(w, RONDO_MS(50)) < 20); /* without spinning */
    assert_int_equal(peer_buffered(p.c), waits);
    p.s->on_data = NULL;
    assert_ok(rondo_transport_resume_reading(p.s->transport));
    assert_received(p.s, MUCH);
}

TEST_LEAVES(S3_lent_and_gathered_bytes_leave_in_order)
{
    enum { SIZE = 100000 };
    unsigned char *data = test_alloc(w, SIZE * 3);
    unsigned *released = test_alloc(w, sizeof *released);
    struct named_pair p = named_pair(w);

    test_fill(data, 0, (size_t)SIZE * 3);
    assert_ok(rondo_transport_write_owned(p.c->transport, data, SIZE,
                                          count_release, released));
    assert_ok(rondo_transport_writev(
        p.c->transport,
        (rondo_buffer[]){{data + SIZE, SIZE / 2},
                         {data + SIZE + SIZE / 2, SIZE / 2}},
        2));
    assert_ok(rondo_transport_write_owned(p.c->transport, data + SIZE * 2, SIZE,
                                          count_release, released));
    assert_int_equal(*released, 0);
    test_run_until(w, p.s->bytes == SIZE * 3 && *released == 2);
    assert_int_equal(p.s->checksum, test_pattern_checksum(SIZE * 3));
    /* what is lent comes back from an abort as well */
    assert_ok(rondo_transport_pause_reading(p.s->transport));
    assert_ok(rondo_transport_write_owned(p.c->transport, data, SIZE * 3,
                                          count_release, released));
    test_spin(w, 3);
    rondo_transport_abort(p.c->transport);
    test_run_until(w, p.c->lost && *released == 3);
}

TEST_LEAVES(S11_a_reader_that_hears_nothing)
{
    struct named_pair p = named_pair(w);

    assert_ok(rondo_transport_set_timeouts(p.s->transport, RONDO_MS(20), 0));
    test_run_until(w, p.s->lost && p.c->lost);
    assert_int_equal(p.s->error, RONDO_ETIMEDOUT);
    assert_int_equal(p.c->error, RONDO_ECONNRESET); /* it was cut off */
}

/* ---- factories ---------------------------------------------------------- */

struct choosy {
    unsigned asked, lost;
    int what; /* 0: refuse, 1: close, 2: abort, 3: write */
};

static void count_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    ((struct choosy *)self)->lost++;
}

static const rondo_protocol counting = {.connection_lost = count_lost};

static int choose(rondo_server *server, void *arg, rondo_transport *t,
                  const rondo_protocol **protocol, void **self)
{
    struct choosy *c = arg;

    c->asked++;
    assert_ptr_equal(*self, arg);
    assert_ptr_equal(*protocol, &counting);
    assert_ptr_equal(rondo_transport_server(t), server);
    if (c->what == 1)
        rondo_transport_close(t);
    if (c->what == 2)
        rondo_transport_abort(t);
    if (c->what == 3)
        assert_ok(rondo_transport_write(t, "welcome", 7));
    return c->what ? 0 : RONDO_EACCES;
}

TEST_LEAVES(V4_a_factory_for_a_pipe)
{
    struct choosy *c = test_alloc(w, sizeof *c);
    const char *name = named_name(w);
    rondo_server *server;
    const char *order[] = {"MEL", "MEL", "ML", "MdEL"};

    assert_ok(rondo_create_server(
        w->loop, RONDO_SERVE(.path = name, .protocol_factory = choose),
        &counting, c, &server));
    for (c->what = 0; c->what < 4; c->what++) {
        struct peer *p = named_connect(w, name);

        test_run_until(w, c->asked == (unsigned)c->what + 1);
        if (c->what == 3) {
            test_run_until(w, p->bytes == 7);
            rondo_server_close_clients(server);
        }
        test_run_until(w, p->lost);
        assert_string_equal(p->order, order[c->what]);
        test_run_until(w, c->lost == (unsigned)c->what);
    }
    assert_int_equal(test_metrics(w).live_transports, 0);
}

static void nothing_accepted(rondo_server *server, void *arg, rondo_fd socket,
                             const rondo_address *peer)
{
    (void)server;
    (void)arg;
    (void)socket;
    (void)peer;
    fail();
}

TEST(V4_options_that_no_pipe_has)
{
    const char *name = named_name(w);

    serve_refused(w, RONDO_SERVE(.path = name, .unix_mode = 0600), RONDO_EINVAL,
                  NULL);
    serve_refused(w, RONDO_SERVE(.path = name, .accepted = nothing_accepted),
                  RONDO_ENOTSUP, "accepted");
}

static void close_server(struct peer *p)
{
    rondo_server_close(rondo_transport_server(p->transport));
}

TEST(G7_a_server_closed_by_its_first_client)
{
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p[3];

    l->model.on_made = close_server;
    for (int i = 0; i < 3; i++)
        p[i] = dial_new(
            w, RONDO_CONNECT(.path = l->name, .timeout_ns = RONDO_MS(200)));
    for (int i = 0; i < 3; i++)
        test_run_until(w, p[i]->connected);
    test_run_until(w, l->count == 1 && l->first->made);
    rondo_transport_close(l->first->transport);
    for (int i = 0; i < 3; i++)
        test_run_until(w, p[i]->made == p[i]->lost);
    test_run_until(w, l->closed);
}

/* ---- the loop ----------------------------------------------------------- */

TEST(L5_closed_with_pipes_in_every_state)
{
    unsigned char *data = test_alloc(w, 400000);
    struct listener *idle = named_serve(w, named_name(w));
    struct listener *l = test_serve_with(
        w, &recorder, RONDO_SERVE(.path = named_name(w), .max_clients = 1));
    struct peer *p[3];

    p[0] = named_connect(w, l->name);
    p[1] = named_connect(w, l->name); /* is held */
    test_run_until(w, l->count == 1 && l->first->made);
    (void)rondo_transport_pause_reading(p[0]->transport);
    (void)rondo_transport_write(l->first->transport, data, 400000);
    test_spin(w, 5);
    (void)named_dial(w, idle); /* nobody has looked yet */
    p[2] = dial_new(w, RONDO_CONNECT(.path = l->name));
    test_close_loop(w);
    assert_int_equal(p[0]->error, RONDO_ECLOSED);
    assert_int_equal(p[1]->error, RONDO_ECLOSED);
    assert_int_equal(p[2]->connect_error, RONDO_ECANCELED);
    assert_int_equal(l->first->error, RONDO_ECLOSED);
    assert_int_equal(l->closed + idle->closed, 2);
    assert_int_equal(idle->count, 0);
}

TEST_LEAVES(L3_a_pipe_keeps_the_loop_going)
{
    struct named_pair p = named_pair(w);

    rondo_server_set_background(p.l->server, true);
    rondo_transport_set_background(p.s->transport, true);
    rondo_transport_set_background(p.c->transport, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_transport_set_background(p.c->transport, false);
    rondo_transport_close(p.s->transport);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(p.c->lost, 1);
}
