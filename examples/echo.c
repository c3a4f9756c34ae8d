/* echo.c - a TCP echo server with back-pressure: a client that does not read is
 * not read from. It listens on all addresses of a name. */
/* SPDX-License-Identifier: MIT */
/* Build: cc echo.c -o echo $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static void pause_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static const rondo_protocol echo = {
    .data_received = received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
};

/* The addresses, which are lent for this call, have the port. */
static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    (void)canonical_name;
    if (error == 0)
        rondo_create_server(
            loop, RONDO_SERVE(.addresses = addresses, .address_count = count),
            &echo, NULL, arg);
    rondo_loop_stop(loop);
}

/* Looks the name up first: a server itself asks nobody. */
static int serve_name(rondo_loop *loop, const char *host, const char *port,
                      rondo_server **server)
{
    *server = NULL;
    if (rondo_getaddrinfo(loop, host, port, NULL, found, server) < 0 ||
        rondo_loop_run(loop) < 0)
        return -1;
    return *server ? 0 : -1;
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Until Ctrl-C. Whoever reads that it listens may press that at once. */
static int serve(rondo_loop *loop, rondo_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0)
        return failed(loop);
    for (size_t i = 0; rondo_server_address(server, i, &address) == 0; i++)
        if (rondo_address_text(&address, text, sizeof text) > 0)
            printf("listening on %s\n", text);
    fflush(stdout);
    if (rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : "7000";
    const char *host = argc > 2 ? argv[2] : "127.0.0.1";
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        serve_name(loop, host, port, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
