/* file_rondo.c - a file for each byte that is received, over Rondo. SIGPIPE is
 * ignored as it is in file_raw.c; --mode guarded leaves it as it is; --mode memory
 * writes the same bytes from memory. */
/* SPDX-License-Identifier: MIT */
#include "file_serve.h"
#include "serve_rondo.h"

#include <signal.h>
#include <string.h>

static int file;
static char *memory;

static void sent(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    if (result < 0) {
        fail("sendfile");
    }
    serve.bytes += (uint64_t)result;
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    (void)data;
    (void)size;
    if (rondo_transport_sendfile(t, file, 0, (int64_t)serve.size, sent, NULL) <
        0) {
        fail("transport_sendfile");
    }
}

/* What the kernel does not take is copied by the transport. */
static void received_memory(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    (void)self;
    (void)data;
    (void)size;
    serve.bytes += serve.size;
    if (rondo_transport_write(t, memory, serve.size) < 0) {
        fail("transport_write");
    }
}

static const rondo_protocol from_memory = {
    .connection_made = made,
    .data_received = received_memory,
    .connection_lost = lost,
};

static const rondo_protocol protocol = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    serve_options(&serve, argc, argv, "guarded memory");
    bool in_memory = strcmp(serve.mode, "memory") == 0;
    if (strcmp(serve.mode, "guarded") != 0) {
        signal(SIGPIPE, SIG_IGN);
    }
    if (in_memory) {
        memory = file_in_memory(&serve);
    } else {
        file = file_make(&serve);
    }
    if (rondo_loop_new(&loop, NULL) < 0) {
        fail("loop_new");
    }
    if (rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                            in_memory ? &from_memory : &protocol, NULL,
                            &server) < 0) {
        fail("create_server");
    }
    serve_run(loop, rondo_server_fd(server, 0));
    return serve_end(loop);
}
