/* client.c - gets a page by HTTPS: client HOST PORT [CA-FILE]. */
/* SPDX-License-Identifier: MIT */
/* Build: cc client.c -o client $(pkg-config --cflags --libs rondo-tls) */
#include "rondo_tls.h"
#include <stdio.h>
#include <stdlib.h>
static int result = RONDO_EINVAL; /* until the connection has ended */
static void ask(rondo_transport *t, void *host)
{
    rondo_transport_printf(t, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n",
                           (char *)host);
}
static void show(rondo_transport *t, void *host, const void *data, size_t size)
{
    (void)t, (void)host, fwrite(data, 1, size, stdout);
}
static void done(rondo_transport *t, void *host, int error)
{
    (void)t, (void)host, result = error; /* cut off is an error, too */
}
static const rondo_protocol page = {
    .connection_made = ask, .data_received = show, .connection_lost = done};
int main(int argc, char **argv)
{
    rondo_loop *loop = NULL;
    rondo_tls_client tls = {NULL, argv[1]}; /* whose certificate it must be */
    int port = argc > 2 ? atoi(argv[2]) : 0;
    bool usable = port > 0 && port <= 65535;
    if (!usable || rondo_loop_new(&loop, NULL) < 0 ||
        rondo_tls_context_new(&tls.context, RONDO_TLS(.ca_file = argv[3])) ||
        rondo_create_connection(
            loop,
            RONDO_CONNECT(.host = argv[1], .port = (uint16_t)port,
                          .setup = rondo_tls_client_setup, .setup_arg = &tls),
            &page, argv[1], NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0 || result)
        fprintf(stderr, "%s\n",
                !usable ? "client HOST PORT [CA-FILE]" : rondo_last_error());
    rondo_loop_close(loop);
    rondo_tls_context_free(tls.context);
    return result != 0;
}
