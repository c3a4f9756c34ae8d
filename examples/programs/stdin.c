/* stdin.c - lines from stdin go to a server, its answers to stdout. */
/* SPDX-License-Identifier: MIT */
/* Build: cc stdin.c -o stdin $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <stdio.h>

struct session {
    rondo_loop *loop;
    rondo_transport *in, *net;
    rondo_id connecting;
};

static void typed(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct session *s = self;
    (void)t;
    if (s->net)
        rondo_transport_write(s->net, data, size);
}
static void in_lost(rondo_transport *t, void *self, int error)
{
    struct session *s = self;
    (void)t;
    (void)error;
    s->in = NULL;
    if (s->net)
        rondo_transport_write_eof(s->net);
    else if (s->connecting > 0)
        rondo_cancel(s->loop, s->connecting);
}
static const rondo_protocol keyboard = {.data_received = typed,
                                        .connection_lost = in_lost};

static void made(rondo_transport *t, void *self)
{
    struct session *s = self;
    s->net = t;
    int error = rondo_connect_read_pipe(s->loop, rondo_stdio(0),
                                        RONDO_PIPE_BORROW | RONDO_PIPE_FILE,
                                        &keyboard, s, &s->in);
    if (error < 0)
        rondo_transport_abort_with(t, error);
}
static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t;
    (void)self;
    fwrite(data, 1, size, stdout);
}
static void pause(rondo_transport *t, void *self)
{
    struct session *s = self;
    (void)t;
    if (s->in)
        rondo_transport_pause_reading(s->in);
}
static void resume(rondo_transport *t, void *self)
{
    struct session *s = self;
    (void)t;
    if (s->in)
        rondo_transport_resume_reading(s->in);
}
static bool server_eof(rondo_transport *t, void *self)
{
    (void)t;
    (void)self;
    return false;
}
static void net_lost(rondo_transport *t, void *self, int error)
{
    struct session *s = self;
    (void)t;
    s->net = NULL;
    if (error)
        fprintf(stderr, "%s\n", rondo_last_error());
    if (s->in)
        rondo_transport_close(s->in);
}
static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct session *s = arg;
    (void)loop;
    (void)t;
    s->connecting = 0;
    if (error)
        fprintf(stderr, "%s\n", rondo_last_error());
}
static const rondo_protocol net = {.connection_made = made,
                                   .data_received = answered,
                                   .eof_received = server_eof,
                                   .pause_writing = pause,
                                   .resume_writing = resume,
                                   .connection_lost = net_lost};

int main(int argc, char **argv)
{
    struct session s = {0};
    if (rondo_loop_new(&s.loop, NULL) < 0)
        return 1;
    s.connecting = rondo_create_connection(
        s.loop,
        RONDO_CONNECT(.host = argc > 1 ? argv[1] : "localhost", .port = 7000),
        &net, &s, connected, &s);
    rondo_loop_run(s.loop);
    rondo_loop_close(s.loop);
    return 0;
}
