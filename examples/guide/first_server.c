/* first_server.c - an echo server and its client on one loop. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

static void echo_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static const rondo_protocol echo = {.data_received = echo_received};

static void made(rondo_transport *t, void *self)
{
    (void)self;
    printf("connected\n");
    rondo_transport_write(t, "hello", 5);
    rondo_transport_write_eof(t);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t;
    (void)self;
    printf("received %.*s\n", (int)size, (const char *)data);
}

/* The loop ends when nothing is left: without the server nothing is. */
static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("ended with %d\n", error);
    rondo_server_close(self);
}

static const rondo_protocol client = {.connection_made = made,
                                      .data_received = received,
                                      .connection_lost = lost};

int main(void)
{
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        /* port 0, which it is unless set: the kernel chooses one */
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &echo, NULL,
                            &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, server, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "first_server: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
