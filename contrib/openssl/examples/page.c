/* page.c - answers every HTTPS request with one page: page CERTIFICATE. */
/* SPDX-License-Identifier: MIT */
#include "rondo_tls.h"

#include <stdio.h>

enum { PAGE = 3000000 };

static char page[PAGE];

/* One request a connection; what it asks for is not looked at. */
static void answer(rondo_reader *reader, void *arg, const void *request,
                   size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    (void)arg;
    (void)request;
    (void)size;
    if (!error) {
        rondo_transport_printf(t,
                               "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                               "Connection: close\r\n\r\n",
                               PAGE);
        rondo_transport_write(t, page, PAGE);
    }
    rondo_transport_close(t);
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
    return rondo_read_until(reader, "\r\n\r\n", 4, answer, NULL);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_server *server;
    rondo_tls_context *tls;
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    for (size_t i = 0; i < PAGE; i++)
        page[i] = "123456789\n"[i % 10];
    if (argc < 2 ||
        rondo_tls_context_new(&tls, RONDO_TLS(.server = true,
                                              .certificate_file = argv[1],
                                              .alpn = "http/1.1")) < 0 ||
        rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = made,
                        .setup = rondo_tls_server_setup, .setup_arg = tls),
            NULL, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_address_text(&address, text, sizeof text) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    printf("listening on %s\n", text);
    fflush(stdout);
    return rondo_loop_run(loop) < 0;
}
