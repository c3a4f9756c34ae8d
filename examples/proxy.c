/* proxy.c - a TCP proxy: back-pressure, half-close and resets are passed on in
 * both directions. */
/* SPDX-License-Identifier: MIT */
/* Build: cc proxy.c -o proxy $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct target {
    const char *host;
    uint16_t port;
};

struct side {
    struct pair *pair;
    struct side *other;
    rondo_transport *t; /* NULL: not there yet, or lost */
};

/* Lives until both sides are lost and the connect has been answered. */
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

static void pause_writing(rondo_transport *t, void *self)
{
    struct side *s = self;
    (void)t;
    if (s->other->t)
        rondo_transport_pause_reading(s->other->t);
}

static void resume_writing(rondo_transport *t, void *self)
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
    if (s->other->t && error)
        rondo_transport_abort(s->other->t);
    else if (s->other->t)
        rondo_transport_close(s->other->t);
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
    (void)loop, (void)t;
    p->connecting = 0;
    if (error && error != RONDO_ECANCELED)
        fprintf(stderr, "%s\n", rondo_last_error());
    if (error && p->in.t)
        rondo_transport_abort(p->in.t);
    unref(p);
}

static const rondo_protocol upstream = {
    .connection_made = upstream_made,
    .data_received = received,
    .eof_received = eof,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .connection_lost = lost,
};

static const rondo_protocol client = {
    .data_received = received,
    .eof_received = eof,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .connection_lost = lost,
};

/* The client is not read before there is somebody to pass its data to. */
static int made(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    const struct target *target = arg;
    struct pair *p = calloc(1, sizeof *p);
    (void)server, (void)protocol;
    if (!p)
        return RONDO_ENOMEM;
    p->in = (struct side){p, &p->out, t};
    p->out = (struct side){p, &p->in, NULL};
    p->connecting = rondo_create_connection(
        rondo_transport_loop(t),
        RONDO_CONNECT(.host = target->host, .port = target->port,
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
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (argc != 4) {
        fprintf(stderr, "usage: %s PORT UPSTREAM_HOST UPSTREAM_PORT\n",
                argv[0]);
        return 2;
    }
    uint16_t port = (uint16_t)atoi(argv[1]);
    struct target target = {argv[2], (uint16_t)atoi(argv[3])};
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = made),
                            &client, &target, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
