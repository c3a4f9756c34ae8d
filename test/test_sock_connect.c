/* test_sock_connect.c - connections and datagrams on sockets of the program's.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_datagram.h"
#include "raw_net.h"

static rondo_address loopback(uint16_t port)
{
    rondo_address a;

    assert_int_equal(rondo_address_parse(&a, "127.0.0.1", port), 0);
    return a;
}

/* ---- Q1: connecting and accepting --------------------------------------- */

TEST(Q1_connect_and_accept)
{
    struct call *connected = call_new(w), *accepted = call_new(w);
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 4), fd = raw_tcp();
    rondo_address to = loopback(port);

    w->expect_clean = true;
    raw_set_nonblocking(listener);
    raw_set_nonblocking(fd);
    assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, accepted));
    test_spin(w, 2);
    assert_int_equal(accepted->calls, 0);
    assert_ok(rondo_sock_connect(w->loop, fd, &to, call_done, connected));
    memset(&to, 0, sizeof to); /* it was copied */
    assert_int_equal(connected->calls, 0);
    assert_int_equal(call_wait(w, connected), 0);
    assert_int_equal(call_wait(w, accepted), 0);
    assert_int_equal(rondo_address_port(&accepted->address),
                     raw_local_port(fd));
    assert_false(raw_is_blocking(accepted->socket));
    assert_true(raw_fd_close_on_exec(accepted->socket));
    assert_true(raw_send_all(fd, "through", 7, 1000));
    {
        char text[8] = "";
        assert_true(raw_recv_exact(accepted->socket, text, 7, 1000));
        assert_string_equal(text, "through");
    }
    raw_close(accepted->socket);
    raw_close(fd);
    raw_close(listener);
}

TEST(Q1_connect_refused)
{
    struct call *c = call_new(w);
    uint16_t port = 0;
    raw_fd dead = raw_reserve_port(&port), fd = raw_tcp();
    rondo_address to = loopback(port);

    w->expect_clean = true;
    raw_set_nonblocking(fd);
    assert_ok(rondo_sock_connect(w->loop, fd, &to, call_done, c));
    assert_int_equal(c->calls, 0);
    call_fails(w, c, RONDO_ECONNREFUSED, "sock_connect");
    raw_close(fd);
    raw_close(dead);
}

TEST(Q1_connect_when_connected)
{
    struct call *c = call_new(w);
    raw_fd pair[2];
    rondo_address to;

    call_pair(pair, 0);
    to = loopback(raw_peer_port(pair[0]));
    assert_ok(rondo_sock_connect(w->loop, pair[0], &to, call_done, c));
    call_fails(w, c, RONDO_EISCONN, "sock_connect");
    raw_close_pair(pair);
}

TEST(Q1_accept_those_who_wait)
{
    enum { CLIENTS = 20 };
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, CLIENTS), clients[CLIENTS];

    raw_set_nonblocking(listener);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = raw_connect(port);
    for (int i = 0; i < CLIENTS; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, c));
        assert_int_equal(call_wait(w, c), 0);
        raw_close(c->socket);
    }
    for (int i = 0; i < CLIENTS; i++)
        raw_close(clients[i]);
    raw_close(listener);
}

TEST(Q1_accept_is_not_ended_by_one_who_left)
{
    struct call *c = call_new(w);
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 4), client;

    raw_set_nonblocking(listener);
    if (!raw_accept_fails(listener, RAW_ACCEPT_ABORTED, 2)) {
        raw_close(listener);
        test_skip(w, "accept cannot be made to fail on this system");
    }
    client = raw_connect(port);
    assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, c));
    assert_int_equal(call_wait(w, c), 0);
    raw_close(c->socket);
    raw_close(client);
    raw_close(listener);
}

TEST(Q1_accept_without_room)
{
    struct call *c = call_new(w), *again = call_new(w);
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 4), client;

    raw_set_nonblocking(listener);
    if (!raw_accept_fails(listener, RAW_ACCEPT_NO_FILES, 1)) {
        raw_close(listener);
        test_skip(w, "accept cannot be made to fail on this system");
    }
    client = raw_connect(port);
    assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, c));
    call_fails(w, c, RONDO_EMFILE, "sock_accept");
    /* it still waits */
    assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, again));
    assert_int_equal(call_wait(w, again), 0);
    raw_close(again->socket);
    raw_close(client);
    raw_close(listener);
}

/* ---- Q1: datagrams ------------------------------------------------------ */

static void udp_pair(raw_fd pair[2])
{
    for (int i = 0; i < 2; i++) {
        pair[i] = raw_udp();
        raw_set_nonblocking(pair[i]);
    }
}

TEST(Q1_sendto_and_recvfrom)
{
    struct call *sent = call_new(w), *received = call_new(w);
    char *room = test_alloc(w, 64);
    raw_fd pair[2];
    rondo_address to;

    w->expect_clean = true;
    udp_pair(pair);
    to = loopback(raw_local_port(pair[1]));
    assert_ok(rondo_sock_recvfrom(w->loop, pair[1], room, 64, call_received,
                                  received));
    test_spin(w, 2);
    assert_int_equal(received->calls, 0);
    assert_ok(rondo_sock_sendto(w->loop, pair[0], "datagram", 8, &to, call_done,
                                sent));
    assert_int_equal(sent->calls, 0);
    assert_int_equal(call_wait(w, sent), 8);
    assert_int_equal(call_wait(w, received), 8);
    assert_memory_equal(room, "datagram", 8);
    assert_int_equal(rondo_address_port(&received->address),
                     raw_local_port(pair[0]));
    raw_close_pair(pair);
}

TEST(Q1_recvfrom_cuts_what_has_no_room)
{
    struct call *sent[3], *received[3];
    const char *texts[] = {"longer than room", "", "ok"};
    char *room = test_alloc(w, 16);
    raw_fd pair[2];
    rondo_address to;

    udp_pair(pair);
    to = loopback(raw_local_port(pair[1]));
    for (int i = 0; i < 3; i++) {
        sent[i] = call_new(w);
        assert_ok(rondo_sock_sendto(w->loop, pair[0], texts[i],
                                    strlen(texts[i]), &to, call_done, sent[i]));
        assert_int_equal(call_wait(w, sent[i]), strlen(texts[i]));
    }
    for (int i = 0; i < 3; i++) {
        size_t size = strlen(texts[i]) < 4 ? strlen(texts[i]) : 4;

        received[i] = call_new(w);
        assert_ok(rondo_sock_recvfrom(w->loop, pair[1], room, 4, call_received,
                                      received[i]));
        assert_int_equal(call_wait(w, received[i]), size);
        assert_memory_equal(room, texts[i], size);
    }
    raw_close_pair(pair);
}

TEST(Q1_recv_cuts_a_datagram)
{
    struct call *sent = call_new(w), *received = call_new(w);
    char *room = test_alloc(w, 16);
    raw_fd pair[2];
    rondo_address to;

    udp_pair(pair);
    to = loopback(raw_local_port(pair[1]));
    assert_ok(rondo_sock_recv(w->loop, pair[1], room, 4, call_done, received));
    assert_ok(rondo_sock_sendto(w->loop, pair[0], "too long", 8, &to, call_done,
                                sent));
    assert_int_equal(call_wait(w, received), 4);
    assert_memory_equal(room, "too ", 4);
    test_run_until(w, sent->calls);
    raw_close_pair(pair);
}

TEST(Q1_connected_datagrams)
{
    struct call *connected = call_new(w), *sent = call_new(w),
                *received = call_new(w);
    char *room = test_alloc(w, 16);
    raw_fd pair[2];
    rondo_address to;

    udp_pair(pair);
    to = loopback(raw_local_port(pair[1]));
    assert_ok(rondo_sock_connect(w->loop, pair[0], &to, call_done, connected));
    assert_int_equal(call_wait(w, connected), 0);
    assert_ok(
        rondo_sock_sendall(w->loop, pair[0], "known", 5, call_done, sent));
    assert_int_equal(call_wait(w, sent), 5);
    assert_ok(rondo_sock_recv(w->loop, pair[1], room, 16, call_done, received));
    assert_int_equal(call_wait(w, received), 5);
    raw_close_pair(pair);
}

TEST(Q1_sendto_too_much)
{
    enum { SIZE = 100000 };
    struct call *c = call_new(w), *again = call_new(w);
    char *bytes = test_alloc(w, SIZE);
    raw_fd pair[2];
    rondo_address to;

    udp_pair(pair);
    to = loopback(raw_local_port(pair[1]));
    assert_ok(
        rondo_sock_sendto(w->loop, pair[0], bytes, SIZE, &to, call_done, c));
    call_fails(w, c, RONDO_EMSGSIZE, "sock_sendto");
    assert_ok(
        rondo_sock_sendto(w->loop, pair[0], bytes, 8, &to, call_done, again));
    assert_int_equal(call_wait(w, again), 8);
    raw_close_pair(pair);
}

struct cancelling {
    rondo_id id;
    int result;
};

static void cancel_it(rondo_loop *loop, void *arg)
{
    struct cancelling *c = arg;

    c->result = rondo_cancel(loop, c->id);
}

/* The receiver's queue is full, which only time can change: the next try is due
 * at the moment when the call is cancelled. */
TEST(Q2_sendto_cancelled_when_a_try_is_due)
{
    struct call *c = call_new(w);
    struct cancelling *cancelling = test_alloc(w, sizeof *cancelling);
    rondo_address to;
    char path[128];
    raw_fd receiver, sender;

    if (!endpoint_path(path, sizeof path))
        test_skip(w, "no unix sockets on this system");
    receiver = raw_datagram_path(path);
    sender = raw_datagram_path(NULL);
    raw_set_nonblocking(sender);
    assert_ok(rondo_address_unix(&to, path, strlen(path)));
    while (raw_send_to(sender, "x", 1, &to) == 1)
        ;
    cancelling->id =
        rondo_sock_sendto(w->loop, sender, "y", 1, &to, call_done, c);
    assert_ok(cancelling->id);
    test_spin(w, 3);
    assert_ok(rondo_call_later(w->loop, RONDO_US(500), cancel_it, cancelling));
    raw_sleep_ms(20);
    call_fails(w, c, RONDO_ECANCELED, "sock_sendto");
    assert_int_equal(cancelling->result, 0);
    raw_close(sender);
    raw_close(receiver);
    raw_path_drop(path);
}
