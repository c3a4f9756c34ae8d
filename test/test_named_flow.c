/* test_named_flow.c - pipes by name: flow control, factories, closing loops. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_named.h"
#include "raw_net.h"

/* ---- flow control ------------------------------------------------------- */

TEST_LEAVES(S4_a_pipe_pauses_and_resumes_at_the_limits)
{
    enum { PIECE = 10000 };
    unsigned char data[PIECE];
    struct peer *c, *s;
    uint64_t sent = 0;
    int over = 0;

    (void)named_pair(w, &c, &s);
    assert_ok(
        rondo_transport_set_write_buffer_limits(c->transport, 30000, 15000));
    assert_ok(rondo_transport_pause_reading(s->transport));
    test_spin(w, 3);
    while (!over && sent < (8u << 20)) {
        test_fill(data, sent, PIECE);
        over = (int)assert_ok(rondo_transport_write(c->transport, data, PIECE));
        sent += PIECE;
        test_spin(w, 2);
    }
    assert_int_equal(over, 1);
    assert_int_equal(c->pauses, 1);
    assert_true(rondo_transport_is_writing_paused(c->transport));
    assert_true(rondo_transport_get_write_buffer_size(c->transport) > 30000 ||
                c->resumes);
    test_spin(w, 20);
    assert_int_equal(c->resumes, 0);
    assert_int_equal(s->bytes, 0);
    assert_ok(rondo_transport_resume_reading(s->transport));
    test_run_until(w, c->resumes == 1);
    assert_true(rondo_transport_get_write_buffer_size(c->transport) <= 15000);
    test_run_until(w, s->bytes == sent);
    assert_int_equal(s->checksum, test_pattern_checksum(sent));
    assert_int_equal(c->pauses, 1);
    assert_int_equal(c->resumes, 1);
}

/* What is unread stays in the pipe, and its writer has to wait. */
TEST_LEAVES(S5_a_paused_reader_holds_up_its_writer)
{
    enum { MUCH = 1 << 20 };
    unsigned char *data = test_alloc(w, MUCH);
    struct peer *c, *s;
    size_t waits;

    (void)named_pair(w, &c, &s);
    s->on_data = act_pause_in_data;
    test_fill(data, 0, MUCH);
    assert_int_equal(rondo_transport_write(c->transport, data, MUCH), 1);
    test_run_until(w, s->bytes > 0);
    test_spin(w, 20);
    waits = rondo_transport_get_write_buffer_size(c->transport);
    assert_true(s->bytes < MUCH / 2 && waits > MUCH / 2);
    assert_true(test_run_for(w, RONDO_MS(50)) < 20); /* without spinning */
    assert_int_equal(rondo_transport_get_write_buffer_size(c->transport),
                     waits);
    s->on_data = NULL;
    assert_ok(rondo_transport_resume_reading(s->transport));
    test_run_until(w, s->bytes == MUCH);
    assert_int_equal(s->checksum, test_pattern_checksum(MUCH));
}

TEST_LEAVES(S3_lent_and_gathered_bytes_leave_in_order)
{
    enum { SIZE = 100000 };
    unsigned char *data = test_alloc(w, SIZE * 3);
    unsigned *released = test_alloc(w, sizeof *released);
    struct peer *c, *s;

    (void)named_pair(w, &c, &s);
    test_fill(data, 0, (size_t)SIZE * 3);
    assert_ok(rondo_transport_write_owned(c->transport, data, SIZE,
                                          count_release, released));
    assert_ok(rondo_transport_writev(
        c->transport,
        (rondo_buffer[]){{data + SIZE, SIZE / 2},
                         {data + SIZE + SIZE / 2, SIZE / 2}},
        2));
    assert_ok(rondo_transport_write_owned(c->transport, data + SIZE * 2, SIZE,
                                          count_release, released));
    assert_int_equal(*released, 0);
    test_run_until(w, s->bytes == SIZE * 3 && *released == 2);
    assert_int_equal(s->checksum, test_pattern_checksum(SIZE * 3));
    /* what is lent comes back from an abort as well */
    assert_ok(rondo_transport_pause_reading(s->transport));
    assert_ok(rondo_transport_write_owned(c->transport, data, SIZE * 3,
                                          count_release, released));
    test_spin(w, 3);
    rondo_transport_abort(c->transport);
    test_run_until(w, c->lost && *released == 3);
}

TEST_LEAVES(S11_a_reader_that_hears_nothing)
{
    struct peer *c, *s;

    (void)named_pair(w, &c, &s);
    assert_ok(rondo_transport_set_timeouts(s->transport, RONDO_MS(20), 0));
    test_run_until(w, s->lost && c->lost);
    assert_int_equal(s->error, RONDO_ETIMEDOUT);
    assert_int_equal(c->error, RONDO_ECONNRESET); /* it was cut off */
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
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    const char *name = named_name(w);
    rondo_server *server;
    const char *order[] = {"MEL", "MEL", "ML", "MdEL"};

    o.path = name;
    o.protocol_factory = choose;
    assert_ok(rondo_create_server(w->loop, &o, &counting, c, &server));
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
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    o.path = named_name(w);
    o.unix_mode = 0600;
    assert_einval(rondo_create_server(w->loop, &o, &recorder, NULL, NULL));
    o.unix_mode = 0;
    o.accepted = nothing_accepted;
    assert_refused(rondo_create_server(w->loop, &o, &recorder, NULL, NULL),
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
    for (int i = 0; i < 3; i++) {
        p[i] = test_peer(w);
        assert_ok(
            dial(w, RONDO_CONNECT(.path = l->name, .timeout_ns = RONDO_MS(200)),
                 p[i]));
    }
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
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    unsigned char *data = test_alloc(w, 400000);
    struct listener *l, *idle;
    struct peer *p[3];
    raw_fd fd;

    o.max_clients = 1;
    l = named_serve_with(w, named_name(w), &o);
    idle = named_serve(w, named_name(w));
    p[0] = named_connect(w, l->name);
    p[1] = named_connect(w, l->name); /* is held */
    test_run_until(w, l->count == 1 && l->first->made);
    (void)rondo_transport_pause_reading(p[0]->transport);
    (void)rondo_transport_write(l->first->transport, data, 400000);
    test_spin(w, 5);
    fd = raw_named_dial(idle->name); /* nobody has looked yet */
    assert_true(fd != RONDO_NO_FD);
    p[2] = test_peer(w);
    assert_ok(dial(w, RONDO_CONNECT(.path = l->name), p[2]));
    test_close_loop(w);
    assert_int_equal(p[0]->error, RONDO_ECANCELED);
    assert_int_equal(p[1]->error, RONDO_ECANCELED);
    assert_int_equal(p[2]->connect_error, RONDO_ECANCELED);
    assert_int_equal(l->first->error, RONDO_ECANCELED);
    assert_int_equal(l->closed + idle->closed, 2);
    assert_int_equal(idle->count, 0);
    raw_close(fd);
}

TEST_LEAVES(L3_a_pipe_keeps_the_loop_going)
{
    struct peer *c, *s;
    struct listener *l = named_pair(w, &c, &s);

    rondo_server_set_background(l->server, true);
    rondo_transport_set_background(s->transport, true);
    rondo_transport_set_background(c->transport, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_transport_set_background(c->transport, false);
    rondo_transport_close(s->transport);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(c->lost, 1);
}
