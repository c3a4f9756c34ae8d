/* echo_filter.c - an echo in cipher, --mode hand or filter: a filter's cost. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

#include <string.h>

enum { KEY = 42 };

static unsigned char room[RECEIVE_SIZE];

/* Into `room`; the compiler makes the same of it for both. */
static __attribute__((noinline)) void cipher(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        room[i] = bytes[i] ^ KEY;
}

/* ---- by hand ---- */

static void received_by_hand(rondo_transport *t, void *self, const void *data,
                             size_t size)
{
    static unsigned char clear[RECEIVE_SIZE];
    (void)self;
    serve.bytes += size;
    cipher(data, size);
    memcpy(clear, room, size);
    cipher(clear, size);
    rondo_transport_write(t, room, size);
}

/* ---- as a filter ---- */

static int up(rondo_layer *layer, void *self, const void *data, size_t size)
{
    (void)self;
    cipher(data, size);
    return rondo_layer_deliver(layer, room, size);
}

static int down(rondo_layer *layer, void *self, const void *data, size_t size)
{
    (void)self;
    cipher(data, size);
    return rondo_layer_send(layer, room, size);
}

static const rondo_filter filter = {.received = up, .write = down};

static int setup(rondo_transport *t, void *arg)
{
    (void)arg;
    return rondo_transport_push_filter(t, &filter, NULL, NULL, NULL);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    static unsigned char clear[RECEIVE_SIZE];
    (void)self;
    serve.bytes += size;
    memcpy(clear, data, size);
    rondo_transport_write(t, clear, size);
}

/* ---- both ---- */

static const rondo_protocol by_hand = {.connection_made = made,
                                       .data_received = received_by_hand,
                                       .connection_lost = lost};
static const rondo_protocol by_filter = {.connection_made = made,
                                         .data_received = received,
                                         .connection_lost = lost};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    serve_options(&serve, argc, argv, "hand filter");
    bool filtered = strcmp(serve.mode, "filter") == 0;
    if (rondo_loop_new(&loop, NULL) < 0)
        fail("loop_new");
    if (rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .setup = filtered ? setup : NULL),
            filtered ? &by_filter : &by_hand, NULL, &server) < 0)
        fail("create_server");
    serve_run(loop, rondo_server_fd(server, 0));
    return serve_end(loop);
}
