/* lines.c - a line server: each line comes back with its length. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

static void got_line(rondo_reader *reader, void *arg, const void *line,
                     size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    (void)arg;
    if (error) { /* the end, too long a line, a lost connection */
        rondo_transport_close(t);
        return;
    }
    rondo_transport_printf(t, "%zu %.*s", size - 1, (int)size,
                           (const char *)line);
    rondo_read_line(reader, got_line, NULL);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)self;
    (void)error;
    rondo_reader_free(rondo_transport_self(t));
}

static const rondo_protocol rest = {.connection_lost = lost};

static int made(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    rondo_reader *reader;
    (void)arg;
    (void)t;
    int error =
        rondo_reader_new(rondo_server_loop(server), 0, &rest, NULL, &reader);
    if (error)
        return error;
    *protocol = rondo_reader_protocol();
    *self = reader;
    return rondo_read_line(reader, got_line, NULL);
}

int main(int argc, char **argv)
{
    struct args args = {.usage = "[PORT]"};
    rondo_loop *loop;
    rondo_server *server;
    args_parse(&args, argc, argv, 1);
    if (args_loop(&args, &loop) < 0)
        return args_failed(NULL);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    options.port = args_port(&args, 0, 7000);
    options.protocol_factory = made;
    if (rondo_create_server(loop, &options, NULL, NULL, &server) < 0)
        return args_failed(loop);
    return args_serve(&args, loop, server);
}
