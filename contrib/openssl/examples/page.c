/* page.c - answers every HTTPS request with one page: page CERTIFICATE. */
/* SPDX-License-Identifier: MIT */
/* Build: cc page.c -o page $(pkg-config --cflags --libs rondo-tls) */
#include "rondo_tls.h"

#include <signal.h>
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
    rondo_reader_free(reader); /* closes it when all has been sent */
}

static void welcome(rondo_reader *reader, void *arg)
{
    rondo_read_until(reader, "\r\n\r\n", 4, answer, arg);
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum;
    (void)arg;
    rondo_loop_stop(loop);
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
    if (argc < 2) {
        fprintf(stderr, "usage: %s CERTIFICATE\n", argv[0]);
        return 2;
    }
    if (rondo_tls_context_new(&tls, RONDO_TLS(.server = true,
                                              .certificate_file = argv[1],
                                              .alpn = "http/1.1")) < 0 ||
        rondo_loop_new(&loop, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0 ||
        rondo_start_server(loop,
                           RONDO_SERVE(.host = "127.0.0.1",
                                       .setup = rondo_tls_server_setup,
                                       .setup_arg = tls),
                           0, welcome, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_address_text(&address, text, sizeof text) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    printf("listening on %s\n", text);
    fflush(stdout);
    int result = rondo_loop_run(loop);
    rondo_loop_close(loop);
    rondo_tls_context_free(tls);
    return result < 0;
}
