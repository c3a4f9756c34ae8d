/* protocols_close.c - four ways to end a connection, and what each end hears.
 */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

enum { SIZE = 32 << 20 }; /* more than the kernel keeps for a peer */

struct test {
    const char *name;
    void (*end)(rondo_transport *t);
    bool peer_reads;
    size_t received; /* by the peer */
    int ours, peers; /* the errors of connection_lost */
};

static void close_soon(rondo_transport *t)
{
    rondo_transport_close_within(t, RONDO_MS(20));
}

static void close_in_time(rondo_transport *t)
{
    rondo_transport_close_within(t, RONDO_SEC(30));
}

static void made(rondo_transport *t, void *self)
{
    static char bytes[SIZE];
    struct test *test = self;
    rondo_transport_write(t, bytes, sizeof bytes);
    test->end(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct test *test = self;
    (void)t;
    test->ours = error;
}

static const rondo_protocol ending = {.connection_made = made,
                                      .connection_lost = lost};

static void resume(rondo_loop *loop, void *arg)
{
    (void)loop;
    rondo_transport_resume_reading(arg);
}

static void peer_made(rondo_transport *t, void *self)
{
    struct test *test = self;
    if (test->peer_reads)
        return;
    rondo_transport_pause_reading(t);
    rondo_call_later(rondo_transport_loop(t), RONDO_MS(400), resume, t);
}

static void peer_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    struct test *test = self;
    (void)t;
    (void)data;
    test->received += size;
}

static void peer_lost(rondo_transport *t, void *self, int error)
{
    struct test *test = self;
    test->peers = error;
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol peer = {.connection_made = peer_made,
                                    .data_received = peer_received,
                                    .connection_lost = peer_lost};

static int run(rondo_loop *loop, struct test *test)
{
    rondo_server *server;
    rondo_address address;
    if (rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &peer, test,
                            &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &ending, test, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0)
        return -1;
    printf("%-24s  we: %-9s  the peer: %-10s  %s\n", test->name,
           rondo_error_name(test->ours), rondo_error_name(test->peers),
           test->received == SIZE ? "all bytes" : "a part");
    return 0;
}

int main(void)
{
    struct test tests[] = {
        {"close", rondo_transport_close, true, 0, 1, 1},
        {"close_within, peer reads", close_in_time, true, 0, 1, 1},
        {"close_within, peer waits", close_soon, false, 0, 1, 1},
        {"close_now", rondo_transport_close_now, true, 0, 1, 1},
        {"abort", rondo_transport_abort, true, 0, 1, 1},
    };
    rondo_loop *loop = NULL;
    int result = rondo_loop_new(&loop, NULL);
    for (size_t i = 0; result == 0 && i < sizeof tests / sizeof *tests; i++)
        result = run(loop, &tests[i]);
    if (result < 0)
        fprintf(stderr, "protocols_close: %s\n", rondo_last_error());
    return rondo_loop_close(loop) < 0 || result < 0;
}
