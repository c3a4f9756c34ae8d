/* filter.c - fake TLS (xor, one byte of handshake each way) under an unchanged line protocol. */
/* SPDX-License-Identifier: MIT */
/* Build: cc filter.c -o filter $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

struct xor {
    bool open, closed;
    unsigned char key;
};

static int start(rondo_layer *layer, void *self)
{
    struct xor *x = self;
    return rondo_layer_send(layer, &x->key, 1); /* our hello */
}
static int crypt(rondo_layer *layer, struct xor *x, const unsigned char *p,
                 size_t size, int (*to)(rondo_layer *, const void *, size_t))
{
    unsigned char out[4096];
    while (size) {
        size_t n = size < sizeof out ? size : sizeof out;
        for (size_t i = 0; i < n; i++)
            out[i] = p[i] ^ x->key;
        int error = to(layer, out, n);
        if (error < 0)
            return error;
        p += n;
        size -= n;
    }
    return 0;
}
static int received(rondo_layer *layer, void *self, const void *data,
                    size_t size)
{
    struct xor *x = self;
    const unsigned char *p = data;
    if (!x->open && size) {
        if (*p != x->key)
            return RONDO_EPROTO;
        x->open = true;
        p++, size--;
        int error = rondo_layer_ready(
            layer); /* connection_made comes before any data */
        if (error < 0)
            return error;
    }
    return size ? crypt(layer, x, p, size, rondo_layer_deliver) : 0;
}
static int eof(rondo_layer *layer, void *self)
{
    struct xor *x = self;
    return x->open ? rondo_layer_deliver_eof(layer) : RONDO_EPROTO;
}
static int write(rondo_layer *layer, void *self, const void *data, size_t size)
{
    return crypt(layer, self, data, size, rondo_layer_send);
}
static int write_eof(rondo_layer *layer, void *self)
{
    static const char notify = 0;
    (void)self;
    return rondo_layer_send(layer, &notify, 1);
}
static void lost(rondo_layer *layer, void *self, int error)
{
    (void)layer;
    (void)error;
    free(self);
}
static const rondo_filter tls = {.start = start,
                                 .received = received,
                                 .eof_received = eof,
                                 .write = write,
                                 .write_eof = write_eof,
                                 .lost = lost};

static int setup(rondo_transport *t, void *arg)
{
    struct xor *x = calloc(1, sizeof *x);
    if (!x)
        return RONDO_ENOMEM;
    x->key = *(unsigned char *)arg;
    int error = rondo_transport_push_filter(t, &tls, x, NULL, NULL);
    if (error < 0)
        free(x);
    return error;
}
static void made(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_printf(t, "hello\n");
}
static void got(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}
static const rondo_protocol echo = {.connection_made = made,
                                    .data_received = got};

int main(void)
{
    unsigned char key = 42;
    rondo_loop *loop;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop, RONDO_SERVE(.port = 7010, .setup = setup, .setup_arg = &key),
            &echo, NULL, &server) < 0)
        return 1;
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
