/* udp_rondo.c - the UDP echo over Rondo; --mode NAME picks a backend. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

static void received(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from, bool truncated)
{
    (void)self;
    (void)truncated;
    if (size == 0) {
        rondo_datagram_close(d);
        return;
    }
    serve.bytes += size;
    rondo_datagram_send(d, data, size, from);
}

static const rondo_datagram_protocol echo = {.datagram_received = received};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_datagram *d;
    rondo_address local;
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    serve_options(&serve, argc, argv, "epoll io_uring poll select");
    options.backend = *serve.mode ? serve.mode : NULL;
    if (rondo_loop_new(&loop, &options) < 0 ||
        rondo_address_parse(&local, "127.0.0.1", 0) < 0 ||
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.local_address = &local),
                                       &echo, NULL, &d) < 0) {
        fail("start");
    }
    serve_run(loop, rondo_datagram_fd(d));
    return serve_end(loop);
}
