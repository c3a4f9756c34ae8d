/* test_stream.c - the order of a stream's callbacks. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* ---- S1: order ---------------------------------------------------------- */

TEST(S1_made_data_eof_lost)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    peer_capture(p, 16);
    assert_true(raw_send_all(fd, "hello", 5, 1000));
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_int_equal(p->bytes, 5);
    assert_memory_equal(p->captured, "hello", 5);
    assert_int_equal(p->error, 0);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    raw_close(fd);
}

TEST(S1_made_comes_from_the_loop)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    assert_int_equal(p->made, 0);
    test_run_until(w, p->made);
    assert_int_equal(p->lost, 0);
    raw_close(fds[1]);
}

TEST(S1_at_most_one_eof)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->keep_open = true;
    raw_shutdown_write(fd);
    test_run_until(w, p->eof);
    test_spin(w, 50);
    assert_int_equal(rondo_transport_pause_reading(p->transport), 0);
    assert_int_equal(rondo_transport_resume_reading(p->transport), 0);
    test_spin(w, 50);
    assert_string_equal(p->order, "ME");
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
    raw_close(fd);
}

/* adopts a socket in which data and EOF wait already */
static raw_fd adopt_with_data(struct world *w, struct peer *p)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "early", 5, 1000));
    raw_shutdown_write(fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    return fds[1];
}

TEST(S1_abort_in_made_no_data)
{
    struct peer *p = test_peer(w);
    raw_fd fd;

    w->expect_clean = true;
    p->on_made = act_abort;
    fd = adopt_with_data(w, p);
    assert_lost(w, p, "ML", RONDO_ECANCELED);
    test_run_loop(w);
    raw_close(fd);
}

TEST(S1_close_in_made_no_data)
{
    struct peer *p = test_peer(w);
    raw_fd fd;

    w->expect_clean = true;
    p->on_made = act_close;
    fd = adopt_with_data(w, p);
    assert_lost(w, p, "ML", 0);
    raw_close(fd);
}

TEST(S1_pause_in_made_no_data)
{
    struct peer *p = test_peer(w);
    raw_fd fd;

    p->on_made = act_pause;
    fd = adopt_with_data(w, p);
    test_run_until(w, p->made);
    test_spin(w, 50);
    assert_string_equal(p->order, "M");
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    raw_close(fd);
}

TEST(S1_close_before_made)
{
    struct peer *p = test_peer(w);
    raw_fd fd = adopt_with_data(w, p);

    w->expect_clean = true;
    rondo_transport_close(p->transport);
    assert_int_equal(p->made, 0);
    assert_lost(w, p, "ML", 0);
    raw_close(fd);
}

TEST(S1_abort_before_made)
{
    struct peer *p = test_peer(w);
    raw_fd fd = adopt_with_data(w, p);

    w->expect_clean = true;
    rondo_transport_abort(p->transport);
    assert_lost(w, p, "ML", RONDO_ECANCELED);
    raw_close(fd);
}

TEST(S1_loop_close_before_made)
{
    struct peer *p = test_peer(w);
    raw_fd fd = adopt_with_data(w, p);

    test_close_loop(w);
    assert_int_equal(p->made, p->lost);
    raw_close(fd);
}

TEST(S1_write_before_made)
{
    struct peer *p = test_peer(w);
    raw_fd fd = adopt_with_data(w, p);
    char got[8];

    assert_ok(rondo_transport_write(p->transport, "first", 5));
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_true(raw_recv_exact(fd, got, 5, 5000));
    assert_memory_equal(got, "first", 5);
    raw_close(fd);
}

TEST(S1_every_member_may_be_null)
{
    static const rondo_protocol nothing;
    raw_fd fds[2];

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    assert_ok(
        rondo_connect_accepted_socket(w->loop, fds[0], &nothing, NULL, NULL));
    assert_true(raw_send_all(fds[1], "ignored", 7, 1000));
    raw_shutdown_write(fds[1]);
    test_run_until(w, test_metrics(w).live_transports == 0);
    assert_int_equal(test_drain_raw(w, fds[1], 0), 0);
    raw_close(fds[1]);
}

/* ---- S1: reading -------------------------------------------------------- */

TEST(S1_one_byte_reads)
{
    enum { COUNT = 5000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char byte = test_pattern(i);

        assert_true(raw_send_all(fd, &byte, 1, 1000));
        test_run_until(w, p->bytes == i + 1);
    }
    assert_int_equal(p->data, COUNT);
    assert_true(p->checksum == test_pattern_checksum(COUNT));
    raw_close(fd);
}

TEST(S1_one_byte_writes)
{
    enum { COUNT = 20000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char byte = test_pattern(i);

        assert_ok(rondo_transport_write(p->transport, &byte, 1));
    }
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), COUNT);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST(S1_echo_through_a_server)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    unsigned char data[3000];

    w->expect_clean = true;
    l->model.on_data = act_echo;
    test_fill(data, 0, sizeof data);
    test_run_until(w, c->connected);
    assert_int_equal(c->connect_error, 0);
    assert_ok(rondo_transport_write(c->transport, data, sizeof data));
    test_run_until(w, c->bytes == sizeof data);
    assert_true(c->checksum == test_pattern_checksum(sizeof data));
    rondo_transport_close(c->transport);
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_string_equal(c->order, "MdL");
    assert_string_equal(l->first->order, "MdEL");
    assert_int_equal(l->closed, 1);
}

/* ---- S1: a socket moves from the loop that accepts to another ----------- */

/* accepted's arg is the listener, so the receiving peer is found here */
static struct peer *moving;

static void hand_over(rondo_server *server, void *arg, rondo_fd socket,
                      const rondo_address *peer)
{
    (void)server;
    (void)arg;
    assert_int_equal(rondo_address_family(peer), RONDO_FAMILY_INET);
    assert_ok(rondo_connect_accepted_socket(moving->w->other, socket, &recorder,
                                            moving, &moving->transport));
}

TEST(S1_accepted_socket_lives_on_another_loop)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *c;

    (void)test_other_loop(w);
    moving = test_peer(w);
    moving->on_data = act_echo;
    options.accepted = hand_over;
    l = test_serve_with(w, &recorder, &options);
    c = test_connect(w, l->port);
    test_run_until(w, c->connected && moving->made);
    assert_ptr_equal(rondo_transport_loop(moving->transport), w->other);
    assert_null(rondo_transport_server(moving->transport));
    assert_ok(rondo_transport_write(c->transport, "there and back", 14));
    test_run_until(w, c->bytes == 14);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost && moving->lost);
    assert_string_equal(moving->order, "MdEL");
    assert_int_equal(moving->error, 0);
}
