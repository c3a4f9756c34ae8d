/* client.c - sends a text to the server, and shows the answer.
 * client [PORT [TEXT]] */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
    const char *text;
    int result; /* of the program: 0 is success */
};

static void made(rondo_transport *t, void *self)
{
    struct client *c = self;
    rondo_transport_write(t, c->text, strlen(c->text));
    rondo_transport_write_eof(t); /* no more will come */
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t;
    (void)self;
    fwrite(data, 1, size, stdout);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t;
    putchar('\n');
    if (error)
        fprintf(stderr, "client: %s\n", rondo_last_error());
    c->result = error != 0;
}

static const rondo_protocol protocol = {.connection_made = made,
                                        .data_received = received,
                                        .connection_lost = lost};

/* Called once: with the connection, or with the error. */
static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop;
    (void)arg;
    (void)t;
    if (error)
        fprintf(stderr, "client: %s\n", rondo_last_error());
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7000;
    struct client client = {argc > 2 ? argv[2] : "hello", 1};
    rondo_loop *loop;
    if (port < 0 || port > 65535) {
        fprintf(stderr, "usage: client [PORT [TEXT]]\n");
        return 1;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_connection(loop,
                                RONDO_CONNECT(.host = "localhost",
                                              .port = (uint16_t)port,
                                              .timeout_ns = RONDO_SEC(5)),
                                &protocol, &client, connected, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "client: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0 || client.result;
}
