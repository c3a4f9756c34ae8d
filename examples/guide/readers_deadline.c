/* readers_deadline.c - a client that sends its line too slowly. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the server: a whole line within 100 ms, or no more connection ---- */

struct session {
    rondo_reader *reader;
    rondo_id deadline;
};

static void too_late(rondo_loop *loop, void *arg)
{
    struct session *s = arg;
    (void)loop;
    rondo_transport_abort_with(rondo_reader_transport(s->reader),
                               RONDO_ETIMEDOUT); /* which the read is told */
}

static void line(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error)
{
    struct session *s = arg;
    if (error) {
        printf("server: %s\n", rondo_error_name(error));
        rondo_cancel(rondo_reader_loop(reader), s->deadline);
        rondo_reader_free(reader);
        free(s);
        return;
    }
    printf("server: %.*s", (int)size, (const char *)data);
    rondo_loop *loop = rondo_reader_loop(reader);
    rondo_reschedule(loop, s->deadline, rondo_loop_time(loop) + RONDO_MS(100));
    rondo_read_line(reader, line, s);
}

static void welcome(rondo_reader *reader, void *arg)
{
    struct session *s = calloc(1, sizeof *s);
    (void)arg;
    if (!s) {
        rondo_reader_free(reader);
        return;
    }
    s->reader = reader;
    s->deadline =
        rondo_call_later(rondo_reader_loop(reader), RONDO_MS(100), too_late, s);
    rondo_read_line(reader, line, s);
}

/* ---- the client: a line, then one byte each 20 ms ---- */

struct client {
    rondo_server *server;
    rondo_transport *t;
    rondo_id timer;
};

static void drip(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    rondo_transport_write(c->t, ".", 1);
}

static void client_made(rondo_transport *t, void *self)
{
    struct client *c = self;
    c->t = t;
    c->timer = rondo_call_every(rondo_transport_loop(t), RONDO_MS(20), drip, c);
    rondo_transport_write(t, "a line\n", 7);
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    printf("client: %s\n", rondo_error_name(error));
    rondo_cancel(rondo_transport_loop(t), c->timer);
    rondo_server_close(c->server);
}

static const rondo_protocol client = {.connection_made = client_made,
                                      .connection_lost = client_lost};

int main(void)
{
    struct client c = {NULL, NULL, 0};
    rondo_loop *loop;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_start_server(
            loop, RONDO_SERVE(.host = "127.0.0.1", .max_clients = 1000), 1024,
            welcome, NULL, &c.server) < 0 ||
        rondo_server_address(c.server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, &c, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "readers_deadline: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
