/* serve_rondo.h - what the servers over Rondo have in common. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVE_RONDO_H
#define BENCH_SERVE_RONDO_H

#include "serve.h"

#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

static struct serve serve;
static rondo_server *server;

static inline void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, rondo_last_error());
    exit(1);
}

static inline void made(rondo_transport *t, void *self)
{
    (void)t;
    (void)self;
    serve_accepted(&serve);
}

static inline void echoed(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    (void)self;
    serve.bytes += size;
    rondo_transport_write(t, data, size);
}

static inline void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)self;
    (void)error;
    if (serve_left(&serve)) {
        rondo_server_close(server);
    }
}

/* Until the last client has gone. */
static inline void serve_run_on(rondo_loop *loop)
{
    if (rondo_loop_run(loop) < 0) {
        fail("loop_run");
    }
}

static inline void serve_run(rondo_loop *loop, rondo_fd fd)
{
    serve_announce((int)fd);
    serve_run_on(loop);
}

/* What main returns. */
static inline int serve_end(rondo_loop *loop)
{
    char version[64];
    snprintf(version, sizeof version, "rondo %s", rondo_version());
    serve.library = version;
    serve_report(&serve);
    return rondo_loop_close(loop) < 0;
}

#endif
