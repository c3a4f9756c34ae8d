/* protocols_order.c - the life of a connection, as both its ends see it. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Each end keeps its notes, since the two ends take turns in any order. */
struct end {
    const char *name;
    char notes[400];
};

static void note(struct end *e, const char *format, ...)
{
    size_t used = strlen(e->notes);
    va_list list;
    va_start(list, format);
    vsnprintf(e->notes + used, sizeof e->notes - used, format, list);
    va_end(list);
}

static void made(rondo_transport *t, void *self)
{
    note(self, "  connection_made\n");
    if (!rondo_transport_server(t)) { /* the client begins */
        rondo_transport_write(t, "hello", 5);
        rondo_transport_write_eof(t);
    }
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t;
    note(self, "  data_received: %.*s\n", (int)size, (const char *)data);
}

/* The peer writes no more. true: but this end does. */
static bool eof_received(rondo_transport *t, void *self)
{
    note(self, "  eof_received\n");
    if (rondo_transport_server(t)) {
        rondo_transport_write(t, "good bye", 8);
        rondo_transport_close(t); /* once the bytes are out */
    }
    return true;
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    note(self, "  connection_lost: %s\n", rondo_error_name(error));
    if (rondo_transport_server(t))
        rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol protocol = {.connection_made = made,
                                        .data_received = received,
                                        .eof_received = eof_received,
                                        .connection_lost = lost};

int main(void)
{
    struct end client = {"client", ""}, peer = {"server", ""};
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &protocol,
                            &peer, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &protocol, &client, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "protocols_order: %s\n", rondo_last_error());
        return 1;
    }
    printf("%s\n%s%s\n%s", client.name, client.notes, peer.name, peer.notes);
    return rondo_loop_close(loop) < 0;
}
