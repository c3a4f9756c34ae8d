/* stdin.c - lines from stdin go to a server, its answers to stdout: "stdin
 * 7000 < file", at the end of a pipe, or typed on a terminal. */
/* SPDX-License-Identifier: MIT */
/* Build: cc stdin.c -o stdin $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <stdio.h>
#include <stdlib.h>

struct session {
    rondo_loop *loop;
    rondo_transport *in, *out, *net; /* NULL: not there, or gone */
    bool failed;
};

/* Each way has a source and a sink: when the sink is full the source waits. */
static void slow_down(rondo_transport *source)
{
    if (source)
        rondo_transport_pause_reading(source);
}

static void speed_up(rondo_transport *source)
{
    if (source)
        rondo_transport_resume_reading(source);
}

static void tell(struct session *s, int error)
{
    if (!error || error == RONDO_ECANCELED || error == RONDO_ECLOSED)
        return;
    fprintf(stderr, "%s\n", rondo_last_error());
    s->failed = true;
}

/* ---- stdin ---- */

static void typed(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct session *s = self;
    (void)t;
    if (s->net)
        rondo_transport_write(s->net, data, size);
}

/* The server is told that there is no more, and may go on answering. */
static void in_lost(rondo_transport *t, void *self, int error)
{
    struct session *s = self;
    (void)t;
    s->in = NULL;
    tell(s, error);
    if (s->net)
        rondo_transport_write_eof(s->net);
}

static const rondo_protocol in_protocol = {
    .data_received = typed,
    .connection_lost = in_lost,
};

/* ---- stdout ---- */

static void out_full(rondo_transport *t, void *self)
{
    (void)t;
    slow_down(((struct session *)self)->net);
}

static void out_empty(rondo_transport *t, void *self)
{
    (void)t;
    speed_up(((struct session *)self)->net);
}

/* Nobody reads any more, as in "stdin 7000 | head". */
static void out_lost(rondo_transport *t, void *self, int error)
{
    struct session *s = self;
    (void)t;
    s->out = NULL;
    tell(s, error == RONDO_EPIPE ? 0 : error);
    rondo_transport_close(s->net);
}

static const rondo_protocol out_protocol = {
    .pause_writing = out_full,
    .resume_writing = out_empty,
    .connection_lost = out_lost,
};

/* ---- the server ---- */

static void connected(rondo_transport *t, void *self)
{
    struct session *s = self;
    const unsigned flags = RONDO_PIPE_BORROW | RONDO_PIPE_FILE;
    s->net = t;
    int error = rondo_connect_read_pipe(s->loop, rondo_stdio(0), flags,
                                        &in_protocol, s, &s->in);
    if (!error)
        error = rondo_connect_write_pipe(s->loop, rondo_stdio(1), flags,
                                         &out_protocol, s, &s->out);
    if (error)
        rondo_transport_abort_with(t, error);
}

static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct session *s = self;
    (void)t;
    if (s->out)
        rondo_transport_write(s->out, data, size);
}

static void net_full(rondo_transport *t, void *self)
{
    (void)t;
    slow_down(((struct session *)self)->in);
}

static void net_empty(rondo_transport *t, void *self)
{
    (void)t;
    speed_up(((struct session *)self)->in);
}

static void net_lost(rondo_transport *t, void *self, int error)
{
    struct session *s = self;
    (void)t;
    s->net = NULL;
    tell(s, error);
    rondo_transport_close(s->in);
    rondo_transport_close(s->out); /* what it has is written first */
}

static const rondo_protocol net_protocol = {
    .connection_made = connected,
    .data_received = answered,
    .pause_writing = net_full,
    .resume_writing = net_empty,
    .connection_lost = net_lost,
};

static void tried(rondo_loop *loop, void *self, rondo_transport *t, int error)
{
    (void)loop, (void)t;
    tell(self, error);
}

int main(int argc, char **argv)
{
    struct session s = {0};
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7000);
    const char *host = argc > 2 ? argv[2] : "127.0.0.1";
    if (rondo_loop_new(&s.loop, NULL) < 0 ||
        rondo_create_connection(s.loop,
                                RONDO_CONNECT(.host = host, .port = port),
                                &net_protocol, &s, tried, &s) < 0 ||
        rondo_loop_run(s.loop) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        s.failed = true;
    }
    rondo_loop_close(s.loop);
    return s.failed;
}
