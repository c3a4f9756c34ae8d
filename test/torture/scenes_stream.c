/* scenes_stream.c - connections, servers, readers, filters, files that are sent. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "scene.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- servers ---- */

static bool serve(struct play *p, const rondo_server_options *options)
{
    rondo_server_options o = *options;
    o.protocol_factory = peer_factory;
    o.closed = peer_server_closed;
    if (rondo_create_server(p->loop, &o, NULL, p, &p->server) != 0)
        return false;
    p->servers++;
    return true;
}

static void dial(struct play *p, const rondo_connect_options *options,
                 unsigned count)
{
    p->clients = count;
    while (count-- > 0) {
        struct peer *peer = peer_new(p, "client");
        peer->sends = 20000;
        peer_connect(peer, options);
    }
}

static void tcp(struct play *p)
{
    rondo_address address;
    if (!serve(p, RONDO_SERVE(.host = "127.0.0.1")))
        return;
    if (rondo_server_address(p->server, 0, &address) != 0) {
        rondo_server_close(p->server);
        return;
    }
    dial(p, RONDO_CONNECT(.address = &address, .no_delay = RONDO_ON), 2);
}

static void unix_path(struct play *p)
{
    char path[100];
    play_path(p, path, sizeof path, "socket");
    if (serve(p, RONDO_SERVE(.path = path)))
        dial(p, RONDO_CONNECT(.path = path), 2);
}

static void unix_path_end(struct play *p)
{
    char path[100];
    unlink(play_path(p, path, sizeof path, "socket"));
}

static void looked_up(rondo_loop *loop, void *arg,
                      const rondo_address *addresses, size_t count,
                      const char *name, int error)
{
    struct op *op = arg;
    (void)loop;
    (void)addresses;
    (void)name;
    must(op->play, (count > 0) == (error == 0), "addresses and an error",
         "getaddrinfo");
    op_over(op, error);
}

static void named(rondo_loop *loop, void *arg, const char *host,
                  const char *service, int error)
{
    struct op *op = arg;
    (void)loop;
    must(op->play, !host == (error != 0) && !service == (error != 0),
         "a name and an error", "getnameinfo");
    op_over(op, error);
}

struct names {
    struct op look, back;
};

static void names(struct play *p)
{
    rondo_address address;
    struct names *n = p->more;
    if (!serve(p, RONDO_SERVE(.host = "127.0.0.1")))
        return;
    if (rondo_server_address(p->server, 0, &address) != 0) {
        rondo_server_close(p->server);
        return;
    }
    op_init(&n->look, p, "getaddrinfo");
    op_begun(&n->look, rondo_getaddrinfo(p->loop, "localhost", NULL, NULL,
                                         looked_up, &n->look));
    op_init(&n->back, p, "getnameinfo");
    op_begun(&n->back,
             rondo_getnameinfo(p->loop, &address, RONDO_NAMEINFO_NUMERIC_HOST,
                               named, &n->back));
    dial(p,
         RONDO_CONNECT(.host = "localhost",
                       .port = rondo_address_port(&address)),
         1);
}

/* ---- over a pair of sockets ---- */

struct line {
    rondo_reader *reader;
    struct op some;
};

static void read_some(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    struct op *op = arg;
    struct line *l = op->play->more;
    (void)reader;
    must(op->play, size == 0 || memcmp(data, play_data, size) == 0,
         "other bytes", op->what);
    op_over(op, error);
    if (op == &l->some && rondo_reader_transport(l->reader))
        rondo_transport_close(rondo_reader_transport(l->reader));
}

static void reader(struct play *p)
{
    struct line *l = p->more;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return;
    (void)!write(fds[0], play_data, 5000);
    play_own(p, fds[0]);
    if (rondo_reader_new(p->loop, 8000, NULL, NULL, &l->reader) != 0) {
        close(fds[1]);
        return;
    }
    if (rondo_connect_accepted_socket(p->loop, fds[1], rondo_reader_protocol(),
                                      l->reader, NULL) != 0) {
        close(fds[1]);
        return;
    }
    op_init(&l->some, p, "read_exactly");
    if (!op_begun(&l->some,
                  rondo_read_exactly(l->reader, 4000, read_some, &l->some)) &&
        rondo_reader_transport(l->reader))
        rondo_transport_abort(rondo_reader_transport(l->reader));
}

static void reader_end(struct play *p)
{
    struct line *l = p->more;
    rondo_reader_free(l->reader);
}

/* Adds a byte in front of each piece. */
static int filter_write(rondo_layer *layer, void *self, const void *data,
                        size_t size)
{
    (void)self;
    int error = rondo_layer_send(layer, "x", 1);
    return error ? error : rondo_layer_send(layer, data, size);
}

static int filter_received(rondo_layer *layer, void *self, const void *data,
                           size_t size)
{
    (void)self;
    return rondo_layer_deliver(layer, data, size);
}

static const rondo_filter filter = {.received = filter_received,
                                    .write = filter_write};

struct filters {
    struct op push[2];
};

static void filters(struct play *p)
{
    struct filters *f = p->more;
    struct peer *a = peer_new(p, "a"), *b = peer_new(p, "b");
    b->echoes = true;
    if (!peer_pair(a, b))
        return;
    for (int i = 0; i < 2; i++) {
        struct peer *peer = i ? b : a;
        op_init(&f->push[i], p, "push_filter");
        if (peer->t && !op_begun(&f->push[i], rondo_transport_push_filter(
                                                  peer->t, &filter, NULL,
                                                  op_done, &f->push[i])))
            rondo_transport_abort(peer->t);
    }
    if (a->t)
        peer_write(a, 30000);
}

struct passing {
    struct op all;
};

static void pass(struct play *p)
{
    struct peer *a = peer_new(p, "a"), *b = peer_new(p, "b");
    int fds[2];
    if (!peer_pair(a, b) || pipe2(fds, O_CLOEXEC) != 0)
        return;
    play_own(p, fds[0]);
    play_own(p, fds[1]);
    if (a->t) {
        (void)rondo_transport_send_fd(a->t, fds[1]);
        peer_write(a, 1000);
    }
}

/* ---- files that are sent ---- */

struct sending {
    struct op file, pump;
    int fd;
    struct peer *a, *b, *c, *d;
};

static int file_of(struct play *p, size_t size)
{
    char path[100];
    int fd = open(play_path(p, path, sizeof path, "sent"),
                  O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!write(fd, play_data, size);
        play_own(p, fd);
        unlink(path);
    }
    return fd;
}

static void send_over(struct play *p, int64_t result)
{
    struct sending *s = p->more;
    (void)result;
    if (s->a->t)
        rondo_transport_close(s->a->t);
}

static void send_made(struct peer *peer)
{
    struct play *p = peer->play;
    struct sending *s = p->more;
    s->file.then = send_over;
    op_init(&s->file, p, "sendfile");
    if (!op_begun(&s->file, rondo_transport_sendfile(peer->t, s->fd, 0, 50000,
                                                     op_done, &s->file)))
        rondo_transport_abort(peer->t);
}

static void sendfile_scene(struct play *p)
{
    struct sending *s = p->more;
    s->a = peer_new(p, "sender");
    s->b = peer_new(p, "receiver");
    s->a->on_made = send_made;
    s->fd = file_of(p, 60000);
    if (s->fd >= 0)
        (void)peer_pair(s->a, s->b);
}

static void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    struct op *op = arg;
    struct sending *s = op->play->more;
    (void)loop;
    must(op->play, moved <= 40000, "too many bytes", "pump");
    op_over(op, error);
    if (s->b->t)
        rondo_transport_close(s->b->t);
    if (s->c->t)
        rondo_transport_close(s->c->t);
}

/* The last one of four is made. */
static void pump_made(struct peer *peer)
{
    struct play *p = peer->play;
    struct sending *s = p->more;
    if (s->b->t && s->c->t) {
        op_init(&s->pump, p, "pump");
        if (op_begun(&s->pump,
                     rondo_pump(s->b->t, s->c->t, -1, 0, pumped, &s->pump)) &&
            s->a->t) {
            peer_write(s->a, 40000);
            return;
        }
    }
    for (struct peer *one = p->peers; one < p->peers + 4; one++)
        if (one->t)
            rondo_transport_abort(one->t);
}

/* a writes, what b has is moved to c, and d has it. */
static void pump(struct play *p)
{
    struct sending *s = p->more;
    s->a = peer_new(p, "a");
    s->b = peer_new(p, "b");
    s->c = peer_new(p, "c");
    s->d = peer_new(p, "d");
    s->d->on_made = pump_made;
    (void)(peer_pair(s->a, s->b) && peer_pair(s->c, s->d));
}

const struct scene scenes_stream[] = {
    {"tcp", tcp, NULL, 0},
    {"unix", unix_path, unix_path_end, 0},
    {"names", names, NULL, sizeof(struct names)},
    {"reader", reader, reader_end, sizeof(struct line)},
    {"filter", filters, NULL, sizeof(struct filters)},
    {"pass", pass, NULL, sizeof(struct passing)},
    {"sendfile", sendfile_scene, NULL, sizeof(struct sending)},
    {"pump", pump, NULL, sizeof(struct sending)},
    {NULL, NULL, NULL, 0},
};
