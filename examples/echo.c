/* echo.c - a TCP echo server with back-pressure: a client that does not read is
 * not read from. It listens on all addresses of a name. */
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

/* The addresses, which are lent for this call, have the port. */
static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    (void)canonical_name;
    if (error == 0)
        rondo_create_server(
            loop, RONDO_SERVE(.addresses = addresses, .address_count = count),
            &echo, NULL, arg);
    rondo_loop_stop(loop);
}

/* Looks the name up first: a server itself asks nobody. */
static int serve_name(rondo_loop *loop, const char *host, const char *port,
                      rondo_server **server)
{
    *server = NULL;
    if (rondo_getaddrinfo(loop, host, port, NULL, found, server) < 0 ||
        rondo_loop_run(loop) < 0)
        return -1;
    return *server ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct args args = {.usage = "[PORT [HOST]]"};
    rondo_loop *loop;
    rondo_server *server;
    char port[8];
    args_parse(&args, argc, argv, 2);
    snprintf(port, sizeof port, "%d", args_port(&args, 0, 7000));
    const char *host = args.words > 1 ? args.word[1] : "127.0.0.1";
    if (args_loop(&args, &loop) < 0 ||
        serve_name(loop, host, port, &server) < 0)
        return args_failed(loop);
    return args_serve(&args, loop, server);
}
