/* echo_uv.c - the echo server over libuv: uv_try_write, or --mode queue for a
 * uv_write each. */
/* SPDX-License-Identifier: MIT */
#include "serve_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* uv_write keeps the data until it is done, so each answer has its own. */
struct answer {
    uv_write_t request;
    char data[];
};

static void client_closed(uv_handle_t *handle)
{
    free(handle);
    if (serve_left(&serve)) {
        uv_close((uv_handle_t *)&listener, NULL);
    }
}

static void drop(uv_stream_t *stream)
{
    uv_close((uv_handle_t *)stream, client_closed);
}

static void received_try(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    if (got < 0) {
        drop(stream);
        return;
    }
    uv_buf_t data = uv_buf_init(room->base, (unsigned)got);
    if (got > 0 && uv_try_write(stream, &data, 1) != got) {
        drop(stream);
        return;
    }
    serve.bytes += (size_t)got;
}

static void written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void received_queue(uv_stream_t *stream, ssize_t got,
                           const uv_buf_t *room)
{
    if (got < 0) {
        drop(stream);
        return;
    }
    struct answer *answer = malloc(sizeof *answer + (size_t)got);
    if (!answer) {
        serve_die("malloc");
    }
    memcpy(answer->data, room->base, (size_t)got);
    uv_buf_t data = uv_buf_init(answer->data, (unsigned)got);
    if (uv_write(&answer->request, stream, &data, 1, written) < 0) {
        free(answer);
        drop(stream);
        return;
    }
    serve.bytes += (size_t)got;
}

static void accept_client(uv_stream_t *server, int status)
{
    uv_tcp_t *client = malloc(sizeof *client);
    if (status < 0 || !client) {
        serve_die("accept");
    }
    bool queue = strcmp(serve.mode, "queue") == 0;
    serve_accepted(&serve);
    uv_tcp_init(server->loop, client);
    if (uv_accept(server, (uv_stream_t *)client) < 0 ||
        uv_read_start((uv_stream_t *)client, allocate,
                      queue ? received_queue : received_try) < 0) {
        serve_die("uv_accept");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv);
    return serve_run(accept_client);
}
