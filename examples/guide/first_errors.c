/* first_errors.c - what goes wrong at the start, and what it is called. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

static const rondo_protocol silent = {.data_received = NULL};

/* A call that fails: the number is the result, the sentence beside it. */
static void serve(rondo_loop *loop, const char *host, uint16_t port)
{
    int error = rondo_create_server(
        loop, RONDO_SERVE(.host = host, .port = port), &silent, NULL, NULL);
    if (error < 0)
        printf("%s: %s\n", rondo_error_name(error), rondo_last_error());
}

/* An operation that fails: the error comes to its callback. */
static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop;
    (void)arg;
    (void)t;
    if (error == RONDO_ECONNREFUSED)
        printf("nobody listens: %s\n", rondo_last_error());
}

int main(void)
{
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &silent,
                            NULL, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0) {
        fprintf(stderr, "first_errors: %s\n", rondo_last_error());
        return 1;
    }
    uint16_t port = rondo_address_port(&address);
    serve(loop, "127.0.0.1", port);   /* the port is taken */
    serve(loop, "example.org", port); /* a name, not an address */
    serve(loop, "192.0.2.1", port);   /* not an address of this machine */
    rondo_server_close(server);       /* from now on nobody listens */
    if (rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &silent, NULL, connected, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "first_errors: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
