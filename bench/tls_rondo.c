/* tls_rondo.c - an echo over TLS, over Rondo and its filter; --mode names the
 * file of the certificate and its key. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <rondo.h>
#include <rondo_tls.h>
#include <stdio.h>
#include <stdlib.h>

static struct serve serve;
static rondo_server *server;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, rondo_last_error());
    exit(1);
}

static void made(rondo_transport *t, void *self)
{
    (void)t;
    (void)self;
    serve_accepted(&serve);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    serve.bytes += size;
    rondo_transport_write(t, data, size);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)self;
    (void)error;
    if (serve_left(&serve)) {
        rondo_server_close(server);
    }
}

static const rondo_protocol echo = {.connection_made = made,
                                    .data_received = received,
                                    .connection_lost = lost};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_tls_context *tls;
    serve_options(&serve, argc, argv);
    if (rondo_loop_new(&loop, NULL) < 0) {
        fail("loop_new");
    }
    if (rondo_tls_context_new(
            &tls, RONDO_TLS(.server = true, .certificate_file = serve.mode)) <
        0) {
        fail("tls_context_new");
    }
    if (rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1",
                                        .setup = rondo_tls_server_setup,
                                        .setup_arg = tls),
                            &echo, NULL, &server) < 0) {
        fail("create_server");
    }
    serve_announce((int)rondo_server_fd(server, 0));
    if (rondo_loop_run(loop) < 0) {
        fail("loop_run");
    }
    serve_report(&serve);
    rondo_tls_context_free(tls);
    return rondo_loop_close(loop) < 0;
}
