/* readers_unread.c - frames without a reader: half a frame is given back. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

enum { LIMIT = 255 }; /* one byte of length */

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    const unsigned char *p = data;
    (void)self;
    while (size > 0 && size > p[0]) { /* the length, and all of the frame */
        size_t length = p[0];
        printf("frame: \"%.*s\"\n", (int)length, (const char *)p + 1);
        p += 1 + length;
        size -= 1 + length;
    }
    /* These bytes come again, together with the next ones. */
    if (size > 0 && rondo_transport_unread(t, p, size) < 0)
        rondo_transport_abort_with(t, RONDO_ENOMEM);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)self;
    printf("lost: %s\n", rondo_error_name(error));
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol frames = {.data_received = received,
                                      .connection_lost = lost};

/* Sends the frames in pieces that begin and end in the middle of them. */
struct client {
    rondo_transport *t;
    int piece;
};

static const char *const pieces[] = {"\5he", "llo\2h", "i\6", "bye"};

static void send_piece(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    const char *piece = pieces[c->piece++];
    rondo_transport_printf(c->t, "%s", piece);
    if (c->piece < 4)
        rondo_call_later(loop, RONDO_MS(5), send_piece, c);
    else
        rondo_transport_close(c->t); /* in the middle of the last frame */
}

static void client_made(rondo_transport *t, void *self)
{
    struct client *c = self;
    c->t = t;
    rondo_call_soon(rondo_transport_loop(t), send_piece, c);
}

static const rondo_protocol client = {.connection_made = client_made};

int main(void)
{
    struct client c = {NULL, 0};
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &frames,
                            NULL, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, &c, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "readers_unread: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
