/* echo_uv.c - the echo server over libuv: uv_try_write, or --mode queue for a
 * uv_write each; --mode sink takes bulk and answers each message. */
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

/* The client's total, which `data` points to, is behind its handle. */
static void received_bulk(uv_stream_t *stream, ssize_t got,
                          const uv_buf_t *room)
{
    uint64_t *total = stream->data;
    uv_buf_t answer = uv_buf_init((char *)total, sizeof *total);
    (void)room;
    if (got < 0) {
        drop(stream);
    } else if (got > 0 && serve_sink(&serve, total, (size_t)got) &&
               uv_try_write(stream, &answer, 1) != sizeof *total) {
        drop(stream);
    }
}

static uv_read_cb read_callback(void)
{
    return strcmp(serve.mode, "queue") == 0  ? received_queue
           : strcmp(serve.mode, "sink") == 0 ? received_bulk
                                             : received_try;
}

union client {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

static uv_stream_t *new_client(uv_loop_t *loop)
{
    bool sink = strcmp(serve.mode, "sink") == 0;
    size_t size = serve.unix_socket ? sizeof(uv_pipe_t) : sizeof(uv_tcp_t);
    union client *client = malloc(size + (sink ? sizeof(uint64_t) : 0));
    if (!client) {
        serve_die("malloc");
    }
    serve_accepted(&serve);
    if (serve.unix_socket) {
        uv_pipe_init(loop, &client->pipe, 0);
    } else {
        uv_tcp_init(loop, &client->tcp);
    }
    if (sink) {
        client->tcp.data = (char *)client + size;
        memset(client->tcp.data, 0, sizeof(uint64_t));
    }
    return (uv_stream_t *)client;
}

static void accept_client(uv_stream_t *server, int status)
{
    if (status < 0) {
        serve_die("accept");
    }
    uv_stream_t *client = new_client(server->loop);
    if (uv_accept(server, client) < 0 ||
        uv_read_start(client, allocate, read_callback()) < 0) {
        serve_die("uv_accept");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "queue sink");
    return serve_run(accept_client);
}
