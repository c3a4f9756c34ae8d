/* echo.c - a TCP echo server with back-pressure: a client that does not read is
 * not read from. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

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

static const rondo_protocol echo = {
    .data_received = received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
};

int main(int argc, char **argv)
{
    struct args args = {.usage = "[PORT]"};
    rondo_loop *loop;
    rondo_server *server;
    args_parse(&args, argc, argv, 1);
    uint16_t port = args_port(&args, 0, 7000);
    if (args_loop(&args, &loop) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port),
                            &echo, NULL, &server) < 0)
        return args_failed(loop);
    return args_serve(&args, loop, server);
}
