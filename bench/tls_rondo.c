/* tls_rondo.c - an echo over TLS, over Rondo and its filter; --mode names the
 * file of the certificate and its key. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

#include <rondo_tls.h>

static const rondo_protocol echo = {
    .connection_made = made, .data_received = echoed, .connection_lost = lost};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_tls_context *tls;
    serve_options(&serve, argc, argv, "FILE");
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
    serve_run(loop, rondo_server_fd(server, 0));
    int failed = serve_end(loop);
    rondo_tls_context_free(tls);
    return failed;
}
