/* reader_server.c - start_server: each client of a server gets a reader. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "net/server.h"
#include "stream/reader.h"

static int reader_server_make_reader(rondo_server *s, void *arg,
                                     rondo_transport *t,
                                     const rondo_protocol **protocol,
                                     void **self)
{
    rondo_reader *reader;
    (void)t;
    int error = rondo_reader_new(s->loop, s->reader_limit, NULL, NULL, &reader);
    if (error)
        return error;
    reader->connected = s->connected;
    reader->connected_arg = arg;
    *protocol = rondo_reader_protocol();
    *self = reader;
    return 0;
}

int rondo_start_server(rondo_loop *loop, const rondo_server_options *options,
                       size_t limit, rondo_reader_fn connected, void *arg,
                       rondo_server **server)
{
    rondo_server_options o;
    rondo_server *s;
    int error = loop_check_create(loop, "start_server");
    if (!error)
        error = loop_options(&o, sizeof o, options, "start_server");
    if (!error && (!connected || o.protocol_factory || o.accepted))
        error = error_set(RONDO_EINVAL, "start_server: %s",
                          connected ? "its clients are readers, without "
                                      "protocol_factory and accepted"
                                    : "no function");
    if (!error && limit > READER_LIMIT_MAX)
        error = error_set(RONDO_EINVAL, "start_server: an absurd limit");
    if (error)
        return error;
    o.size = sizeof o;
    o.protocol_factory = reader_server_make_reader;
    error = rondo_create_server(loop, &o, NULL, arg, &s);
    if (error)
        return error;
    /* No client has been accepted yet: that is done by the loop. */
    s->connected = connected;
    s->reader_limit = limit;
    if (server)
        *server = s;
    return 0;
}
