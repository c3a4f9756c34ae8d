/* server.c - sends back what each client sends. server [PORT] */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

/* The client does not read, and 64 KiB wait for it: do not read from it. */
static void pause_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static const rondo_protocol echo = {.data_received = received,
                                    .pause_writing = pause_writing,
                                    .resume_writing = resume_writing};

static void say_where(rondo_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_server_address(server, 0, &address) == 0 &&
        rondo_address_text(&address, text, sizeof text) > 0) {
        printf("listening on %s\n", text);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7000;
    rondo_loop *loop;
    rondo_server *server;
    if (port < 0 || port > 65535) {
        fprintf(stderr, "usage: server [PORT]\n");
        return 1;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop, RONDO_SERVE(.host = "127.0.0.1", .port = (uint16_t)port),
            &echo, NULL, &server) < 0) {
        fprintf(stderr, "server: %s\n", rondo_last_error());
        return 1;
    }
    say_where(server);
    if (rondo_loop_run(loop) < 0)
        fprintf(stderr, "server: %s\n", rondo_last_error());
    return rondo_loop_close(loop) < 0;
}
