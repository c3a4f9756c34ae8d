/* test_sock_connect.c - connections and datagrams on sockets of the program's.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "harness_wire.h"
#include "raw_net.h"

/* ---- Q1: connecting and accepting --------------------------------------- */

TEST(Q1_connect_and_accept)
{
    uint16_t port = 0;
    raw_fd listener = wire_listener(w, &port, 4), fd = wire_socket(w);
    rondo_address to = wire_loopback(port);
    struct call *accepted = wire_accept(w, listener), *connected;
    char text[8] = "";

    test_spin(w, 2);
    assert_int_equal(accepted->calls, 0);
    connected = wire_connect(w, fd, &to);
    memset(&to, 0, sizeof to); /* it was copied */
    assert_int_equal(call_wait(w, connected), 0);
    assert_int_equal(call_wait(w, accepted), 0);
    test_own(w, accepted->socket);
    assert_int_equal(rondo_address_port(&accepted->address),
                     raw_local_port(fd));
    assert_false(raw_is_blocking(accepted->socket));
    assert_true(raw_fd_close_on_exec(accepted->socket));
    assert_true(raw_send_all(fd, "through", 7, 1000));
    assert_true(raw_recv_exact(accepted->socket, text, 7, 1000));
    assert_string_equal(text, "through");
}

TEST(Q1_connect_refused)
{
    uint16_t port = 0;
    rondo_address to;

    (void)test_own(w, raw_reserve_port(&port)); /* where no one listens */
    to = wire_loopback(port);
    call_fails(w, wire_connect(w, wire_socket(w), &to), RONDO_ECONNREFUSED,
               "sock_connect");
}

TEST(Q1_connect_when_connected)
{
    struct wire *x = wire_new(w, 0);
    rondo_address to = wire_loopback(raw_peer_port(x->fd));

    call_fails(w, wire_connect(w, x->fd, &to), RONDO_EISCONN, "sock_connect");
}

TEST(Q1_accept_those_who_wait)
{
    enum { CLIENTS = 20 };
    uint16_t port = 0;
    raw_fd listener = wire_listener(w, &port, CLIENTS);

    for (int i = 0; i < CLIENTS; i++)
        (void)test_own(w, raw_connect(port));
    for (int i = 0; i < CLIENTS; i++) {
        struct call *c = wire_accept(w, listener);

        assert_int_equal(call_wait(w, c), 0);
        raw_close(c->socket);
    }
}

TEST(Q1_accept_that_the_kernel_fails)
{
    static const struct {
        const char *name;
        enum raw_accept_failure how;
        unsigned times;
        int error;
    } rows[] = {
        {"one who left is passed over", RAW_ACCEPT_ABORTED, 2, 0},
        {"without room it still waits", RAW_ACCEPT_NO_FILES, 1, RONDO_EMFILE},
    };

    for (EACH_ROW(w, row, rows)) {
        uint16_t port = 0;
        raw_fd listener = wire_listener(w, &port, 4);
        struct call *c;

        test_skip_if(w, !raw_accept_fails(listener, row->how, row->times),
                     "accept cannot be made to fail on this system");
        (void)test_own(w, raw_connect(port));
        c = wire_accept(w, listener);
        if (row->error) {
            call_fails(w, c, row->error, "sock_accept");
            c = wire_accept(w, listener);
        }
        assert_int_equal(call_wait(w, c), 0);
        raw_close(c->socket);
    }
}

/* ---- Q1: datagrams ------------------------------------------------------ */

/* Two sockets, and the second one's address. */
static rondo_address udp_pair(struct world *w, raw_fd pair[2])
{
    for (int i = 0; i < 2; i++) {
        pair[i] = test_own(w, raw_udp());
        raw_set_nonblocking(pair[i]);
    }
    return wire_loopback(raw_local_port(pair[1]));
}

TEST(Q1_sendto_and_recvfrom)
{
    raw_fd pair[2];
    rondo_address to = udp_pair(w, pair);
    char *room = test_alloc(w, 64);
    struct call *received = wire_recvfrom(w, pair[1], room, 64), *sent;

    test_spin(w, 2);
    assert_int_equal(received->calls, 0);
    sent = wire_sendto(w, pair[0], "datagram", 8, &to);
    assert_int_equal(call_wait(w, sent), 8);
    assert_int_equal(call_wait(w, received), 8);
    assert_memory_equal(room, "datagram", 8);
    assert_int_equal(rondo_address_port(&received->address),
                     raw_local_port(pair[0]));
}

TEST(Q1_recvfrom_and_recv_cut_what_has_no_room)
{
    static const char *const texts[] = {"longer than room", "", "ok"};
    raw_fd pair[2];
    rondo_address to = udp_pair(w, pair);
    char *room = test_alloc(w, 16);

    for (int i = 0; i < 6; i++) {
        size_t size = strlen(texts[i / 2]);

        assert_int_equal(
            call_wait(w, wire_sendto(w, pair[0], texts[i / 2], size, &to)),
            size);
    }
    for (int i = 0; i < 6; i++) {
        const char *text = texts[i / 2];
        size_t size = strlen(text) < 4 ? strlen(text) : 4;
        struct call *c = call_new(w);

        if (i % 2)
            assert_ok(rondo_sock_recv(w->loop, pair[1], room, 4, call_done, c));
        else
            c = wire_recvfrom(w, pair[1], room, 4);
        assert_int_equal(call_wait(w, c), size);
        assert_memory_equal(room, text, size);
    }
}

TEST(Q1_connected_datagrams)
{
    struct call *sent = call_new(w), *received = call_new(w);
    raw_fd pair[2];
    rondo_address to = udp_pair(w, pair);
    char *room = test_alloc(w, 16);

    assert_int_equal(call_wait(w, wire_connect(w, pair[0], &to)), 0);
    assert_ok(
        rondo_sock_sendall(w->loop, pair[0], "known", 5, call_done, sent));
    assert_int_equal(call_wait(w, sent), 5);
    assert_ok(rondo_sock_recv(w->loop, pair[1], room, 16, call_done, received));
    assert_int_equal(call_wait(w, received), 5);
}

TEST(Q1_sendto_too_much)
{
    enum { SIZE = 100000 };
    raw_fd pair[2];
    rondo_address to = udp_pair(w, pair);
    char *bytes = test_alloc(w, SIZE);

    call_fails(w, wire_sendto(w, pair[0], bytes, SIZE, &to), RONDO_EMSGSIZE,
               "sock_sendto");
    assert_int_equal(call_wait(w, wire_sendto(w, pair[0], bytes, 8, &to)), 8);
}

static void cancel_it(rondo_loop *loop, void *arg)
{
    struct call *c = arg;

    assert_ok(rondo_cancel(loop, c->id));
}

/* The receiver's queue is full, which only time can change: the next try is due
 * at the moment when the call is cancelled. */
TEST(Q2_sendto_cancelled_when_a_try_is_due)
{
    rondo_address to;
    char path[128];
    raw_fd sender;
    struct call *c;

    test_skip_if(w, !endpoint_path(path, sizeof path),
                 "no unix sockets on this system");
    (void)test_own(w, raw_datagram_path(path));
    sender = test_own(w, raw_datagram_path(NULL));
    raw_set_nonblocking(sender);
    assert_ok(rondo_address_unix(&to, path, strlen(path)));
    while (raw_send_to(sender, "x", 1, &to) == 1)
        ;
    c = wire_sendto(w, sender, "y", 1, &to);
    test_spin(w, 3);
    assert_ok(rondo_call_later(w->loop, RONDO_US(500), cancel_it, c));
    raw_sleep_ms(20);
    call_fails(w, c, RONDO_ECANCELED, "sock_sendto");
    raw_path_drop(path);
}
