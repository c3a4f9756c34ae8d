/* windows.c - a local server on every system: a named pipe on Windows, a unix
 * socket elsewhere, TCP on loopback where the backend has neither. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "windows: %s\n", rondo_last_error());
    exit(1);
}

/* Ask the loop, not the compiler: iocp has named pipes, select has none. */
static const char *local_path(rondo_loop *loop, char *text, size_t size)
{
    unsigned long long number;
    must(rondo_random(&number, sizeof number));
    if (rondo_loop_supports(loop, RONDO_CAN_NAMED_PIPES))
        snprintf(text, size, "\\\\.\\pipe\\guide-%llx", number);
    else if (rondo_loop_supports(loop, RONDO_CAN_UNIX))
        snprintf(text, size, "/tmp/guide-%llx", number);
    else
        return NULL;
    return text;
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    printf("%s: %.*s\n", (const char *)self, (int)size, (const char *)data);
    if (strcmp(self, "server") == 0)
        must(rondo_transport_write(t, "welcome", 7));
    else
        rondo_transport_close(t);
}

static void hello(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, "hello", 5));
}

/* A named pipe cannot end one side alone. */
static void ends(const rondo_transport *t)
{
    bool can = rondo_transport_can_write_eof(t);
    printf("half-close: %s\n", can ? "yes" : "no");
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop, (void)arg;
    must(error);
    ends(t);
}

static const rondo_protocol server_side = {.data_received = received};
static const rondo_protocol client_side = {.connection_made = hello,
                                           .data_received = received};

static void serve(rondo_loop *loop, const char *path)
{
    rondo_server_options where = RONDO_SERVER_OPTIONS_INIT;
    rondo_connect_options there = RONDO_CONNECT_OPTIONS_INIT;
    rondo_server *server;
    rondo_address address;
    where.path = there.path = path;
    where.host = path ? NULL : "127.0.0.1";
    must(rondo_create_server(loop, &where, &server_side, "server", &server));
    if (!path) {
        must(rondo_server_address(server, 0, &address));
        there.address = &address;
    }
    must(rondo_create_connection(loop, &there, &client_side, "client",
                                 connected, NULL));
    rondo_server_set_background(server, true);
    must(rondo_loop_run(loop));
}

int main(void)
{
    rondo_loop *loop;
    char text[64];
    must(rondo_loop_new(&loop, NULL));
    const char *path = local_path(loop, text, sizeof text);
    printf("path: %s\n", path ? path : "none");
    serve(loop, path);
    must(rondo_loop_close(loop));
    return 0;
}
