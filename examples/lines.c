/* lines.c - a line server: each line comes back with its length. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

static void answer(rondo_reader *reader, void *arg, const void *line,
                   size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    if (error) { /* the end, too long a line, a lost connection */
        rondo_reader_free(reader); /* and closes it */
        return;
    }
    rondo_transport_printf(t, "%zu ", size - 1);
    rondo_transport_write(t, line, size); /* which may hold any byte */
    rondo_read_line(reader, answer, arg);
}

static void welcome(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true); /* who reads nothing has to wait */
    rondo_read_line(reader, answer, arg);
}

int main(int argc, char **argv)
{
    struct args args = {.usage = "[PORT]"};
    rondo_loop *loop;
    rondo_server *server;
    args_parse(&args, argc, argv, 1);
    uint16_t port = args_port(&args, 0, 7000);
    if (args_loop(&args, &loop) < 0 ||
        rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                           0, welcome, NULL, &server) < 0)
        return args_failed(loop);
    return args_serve(&args, loop, server);
}
