/* chat.c - a chat room by lines: what one client says all others hear; idle
 * clients are shown out, slow ones thrown out. "chat 7001" is for nc, "chat
 * ./socket", by a unix socket, for nc -U. */
/* SPDX-License-Identifier: MIT */
/* Build: cc chat.c -o chat $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE = 1024, BEHIND = 1 << 20 };

struct room {
    struct client *first;
};

struct client {
    struct client *next, **link;
    struct room *room;
    rondo_transport *t;
    size_t used;
    char line[LINE];
};

static void say(struct client *from, const char *text, size_t size)
{
    for (struct client *c = from->room->first; c; c = c->next) {
        if (c == from || rondo_transport_is_closing(c->t))
            continue;
        if (rondo_transport_get_write_buffer_size(c->t) > BEHIND)
            /* connection_lost comes later, so the list stays as it is */
            rondo_transport_abort(c->t);
        else
            rondo_transport_writev(
                c->t, (rondo_buffer[]){{text, size}, {"\r\n", 2}}, 2);
    }
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    const char *p = data;
    for (; size && !rondo_transport_is_closing(t); p++, size--) {
        if (*p == '\n') {
            say(c, c->line, c->used);
            c->used = 0;
        } else if (c->used == LINE) {
            rondo_transport_printf(t, "line too long\r\n");
            rondo_transport_close(t);
        } else if (*p != '\r') {
            c->line[c->used++] = *p;
        }
    }
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction which)
{
    (void)self;
    if (which == RONDO_WRITING)
        return false;
    rondo_transport_printf(t, "idle, bye\r\n");
    rondo_transport_close(t);
    return true;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t;
    if (error)
        fprintf(stderr, "client: %s\n", rondo_strerror(error));
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

static const rondo_protocol chat = {
    .data_received = received,
    .timed_out = timed_out,
    .connection_lost = lost,
};

static int made(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct room *room = arg;
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    c->room = room;
    c->t = t;
    c->next = room->first;
    c->link = &room->first;
    if (c->next)
        c->next->link = &c->next;
    room->first = c;
    *self = c;
    rondo_transport_set_timeouts(t, RONDO_SEC(60), RONDO_SEC(10));
    rondo_transport_printf(t, "hello\r\n");
    return 0;
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

/* chat [PORT | PATH] */
int main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : "7001";
    bool path = !isdigit((unsigned char)*where);
    struct room room = {NULL};
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = path ? NULL : "127.0.0.1",
                        .path = path ? where : NULL,
                        .port = (uint16_t)(path ? 0 : atoi(where)),
                        .max_clients = 500, .protocol_factory = made),
            &chat, &room, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
