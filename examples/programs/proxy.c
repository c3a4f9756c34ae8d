/* proxy.c - TCP proxy, back-pressure and half-close in both directions. */
/* SPDX-License-Identifier: MIT */
/* Build: cc proxy.c -o proxy $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

struct side {
    struct pair *pair;
    struct side *other;
    rondo_transport *t;
};
struct pair {
    struct side in, out;
    rondo_id connecting;
    int refs;
};

static void unref(struct pair *p)
{
    if (--p->refs == 0)
        free(p);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct side *s = self;
    (void)t;
    if (s->other->t)
        rondo_transport_write(s->other->t, data, size);
}
static bool eof(rondo_transport *t, void *self)
{
    struct side *s = self;
    (void)t;
    return s->other->t && rondo_transport_write_eof(s->other->t) == 0;
}
static void pause(rondo_transport *t, void *self)
{
    struct side *s = self;
    (void)t;
    if (s->other->t)
        rondo_transport_pause_reading(s->other->t);
}
static void resume(rondo_transport *t, void *self)
{
    struct side *s = self;
    (void)t;
    if (s->other->t)
        rondo_transport_resume_reading(s->other->t);
}
static void lost(rondo_transport *t, void *self, int error)
{
    struct side *s = self;
    s->t = NULL;
    if (s->pair->connecting)
        rondo_cancel(rondo_transport_loop(t), s->pair->connecting);
    if (s->other->t) {
        if (error)
            rondo_transport_abort(s->other->t);
        else
            rondo_transport_close(s->other->t);
    }
    unref(s->pair);
}
static void upstream_made(rondo_transport *t, void *self)
{
    struct side *s = self;
    s->t = t;
    s->pair->refs++;
    rondo_transport_resume_reading(s->other->t);
}
static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct pair *p = arg;
    (void)loop;
    (void)t;
    p->connecting = 0;
    if (error && error != RONDO_ECANCELED)
        fprintf(stderr, "%s\n", rondo_last_error());
    if (error && p->in.t)
        rondo_transport_abort(p->in.t);
    unref(p);
}
static const rondo_protocol upstream = {.connection_made = upstream_made,
                                        .data_received = received,
                                        .eof_received = eof,
                                        .pause_writing = pause,
                                        .resume_writing = resume,
                                        .connection_lost = lost};

static int made(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct pair *p = calloc(1, sizeof *p);
    (void)server;
    (void)arg;
    (void)protocol;
    if (!p)
        return RONDO_ENOMEM;
    p->in = (struct side){p, &p->out, t};
    p->out = (struct side){p, &p->in, NULL};
    p->connecting = rondo_create_connection(
        rondo_transport_loop(t),
        RONDO_CONNECT(.host = "backend.internal", .port = 80,
                      .timeout_ns = RONDO_SEC(5)),
        &upstream, &p->out, connected, p);
    if (p->connecting < 0) {
        int error = (int)p->connecting;
        free(p);
        return error;
    }
    p->refs = 2;
    *self = &p->in;
    return rondo_transport_pause_reading(t);
}
static const rondo_protocol client = {.data_received = received,
                                      .eof_received = eof,
                                      .pause_writing = pause,
                                      .resume_writing = resume,
                                      .connection_lost = lost};

int main(void)
{
    rondo_loop *loop;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.port = 7002, .protocol_factory = made),
                            &client, NULL, &server) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
