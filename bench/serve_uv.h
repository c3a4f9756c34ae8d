/* serve_uv.h - what the servers over libuv have in common. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVE_UV_H
#define BENCH_SERVE_UV_H

#include "serve.h"

#include <uv.h>

static struct serve serve;
static uv_tcp_t listener;

/* One for all: what is read is used at once. */
static inline void allocate(uv_handle_t *handle, size_t hint, uv_buf_t *room)
{
    static char buffer[RECEIVE_SIZE];
    (void)handle;
    (void)hint;
    *room = uv_buf_init(buffer, sizeof buffer);
}

/* Until the last client has gone, when the listener is closed; what main
 * returns. */
static inline int serve_run(uv_connection_cb accept_client)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0 || uv_tcp_init(&loop, &listener) < 0 ||
        uv_tcp_open(&listener, serve_listen()) < 0 ||
        uv_listen((uv_stream_t *)&listener, SOMAXCONN, accept_client) < 0) {
        serve_die("uv_listen");
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    serve_report(&serve);
    return uv_loop_close(&loop) < 0;
}

#endif
