/* serve_uv.h - what the servers over libuv have in common. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVE_UV_H
#define BENCH_SERVE_UV_H

#include "serve.h"

#include <stdio.h>
#include <uv.h>

static struct serve serve;
static union {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
} listener;

/* One for all: what is read is used at once. */
static inline void allocate(uv_handle_t *handle, size_t hint, uv_buf_t *room)
{
    static char buffer[RECEIVE_SIZE];
    (void)handle;
    (void)hint;
    *room = uv_buf_init(buffer, sizeof buffer);
}

static inline const char *serve_uv_version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "libuv %s", uv_version_string());
    return text;
}

static inline int serve_open(uv_loop_t *loop)
{
    if (serve.unix_socket) {
        uv_pipe_init(loop, &listener.pipe, 0);
        return uv_pipe_open(&listener.pipe, serve_listen(&serve));
    }
    uv_tcp_init(loop, &listener.tcp);
    return uv_tcp_open(&listener.tcp, serve_listen(&serve));
}

/* Until the last client has gone, when the listener is closed; what main
 * returns. */
static inline int serve_run(uv_connection_cb accept_client)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0 || serve_open(&loop) < 0 ||
        uv_listen((uv_stream_t *)&listener, SOMAXCONN, accept_client) < 0) {
        serve_die("uv_listen");
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    serve.library = serve_uv_version();
    serve_report(&serve);
    return uv_loop_close(&loop) < 0;
}

#endif
