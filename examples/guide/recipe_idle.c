/* recipe_idle.c - two times: how long a client may be silent, and how long a
 * request may take to come. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_NS    RONDO_MS(300)
#define REQUEST_NS RONDO_MS(120)

struct client {
    rondo_transport *t;
    rondo_id deadline; /* > 0: a request has begun to come */
};

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **protocol, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)arg, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    c->t = t;
    *self = c;
    /* reading: silence; writing: a peer that takes nothing */
    rondo_transport_set_timeouts(t, IDLE_NS, IDLE_NS);
    return 0;
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    (void)self;
    if (direction == RONDO_WRITING)
        return false; /* abort */
    printf("server: a silent client\n");
    rondo_transport_write(t, "bye\n", 4);
    rondo_transport_close(t);
    return true;
}

static void too_slow(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    c->deadline = 0;
    printf("server: a slow request\n");
    rondo_transport_abort_with(c->t, RONDO_ETIMEDOUT);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    rondo_loop *loop = rondo_transport_loop(t);
    if (c->deadline <= 0)
        c->deadline = rondo_call_later(loop, REQUEST_NS, too_slow, c);
    if (memchr(data, '\n', size)) { /* it is complete */
        rondo_cancel(loop, c->deadline);
        c->deadline = 0;
        rondo_transport_write(t, "yes\n", 4);
    }
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)error;
    rondo_cancel(rondo_transport_loop(t), c->deadline);
    free(c);
}

static const rondo_protocol serving = {
    .data_received = received, .timed_out = timed_out, .connection_lost = lost};

/* ---- two clients, one after the other ---- */

struct visitor {
    rondo_address at;
    const char *says;
};

static int visit(rondo_loop *loop, struct visitor *v, const char *says);

static void say(rondo_transport *t, void *self)
{
    struct visitor *v = self;
    rondo_transport_write(t, v->says, strlen(v->says));
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)t, (void)self;
    printf("client: %.*s", (int)size, (const char *)data);
}

static void ended(rondo_transport *t, void *self, int error)
{
    rondo_loop *loop = rondo_transport_loop(t);
    printf("client: %s\n", error ? rondo_error_name(error) : "closed");
    if (!error || visit(loop, self, "all of it\n") < 0)
        rondo_loop_stop(loop);
}

static const rondo_protocol client = {
    .connection_made = say, .data_received = show, .connection_lost = ended};

static int visit(rondo_loop *loop, struct visitor *v, const char *says)
{
    v->says = says;
    return rondo_create_connection(loop, RONDO_CONNECT(.address = &v->at),
                                   &client, v, NULL, NULL) < 0
               ? -1
               : 0;
}

int main(void)
{
    rondo_loop *loop = NULL;
    rondo_server *server;
    struct visitor v;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = accepted),
            &serving, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &v.at) < 0 ||
        visit(loop, &v, "a part") < 0 || rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_idle: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
