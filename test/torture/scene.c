/* scene.c - operations and connections that count what they are told. */
/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const unsigned char play_data[DATA_MOST];

/* What waits for a peer that has not noticed something ends then. */
#define PATIENCE_NS RONDO_MS(200)

void must(struct play *p, bool holds, const char *what, const char *whose)
{
    if (!holds && !p->broken[0])
        snprintf(p->broken, sizeof p->broken, "%s: %s", whose, what);
}

void play_own(struct play *p, int fd)
{
    p->own[p->own_count++] = fd;
}

const char *play_path(const struct play *p, char *room, size_t size,
                      const char *name)
{
    snprintf(room, size, "%s/%s", p->folder, name);
    return room;
}

/* ---- operations ---- */

void op_init(struct op *op, struct play *p, const char *what)
{
    *op = (struct op){
        .play = p, .what = what, .then = op->then, .timer = op->timer};
    p->ops[p->op_count++] = op;
}

bool op_begun(struct op *op, int64_t result)
{
    op->begun = result >= 0;
    if (!op->begun)
        op->result = result;
    return op->begun;
}

void op_over(struct op *op, int64_t result)
{
    must(op->play, op->dones++ == 0, "done twice", op->what);
    op->result = result;
    if (op->then)
        op->then(op->play, result);
}

void op_done(rondo_loop *loop, void *op, int64_t result)
{
    (void)loop;
    op_over(op, result);
}

/* ---- connections ---- */

void peer_write(struct peer *peer, size_t size)
{
    rondo_buffer piece = {play_data, size};
    if (peer->write.play)
        return;
    op_init(&peer->write, peer->play, "write_then");
    if (op_begun(&peer->write, rondo_transport_write_then(
                                   peer->t, &piece, 1, op_done, &peer->write)))
        (void)rondo_transport_write_eof(peer->t);
    else
        rondo_transport_abort(peer->t);
}

static void made(rondo_transport *t, void *self)
{
    struct peer *peer = self;
    must(peer->play, peer->made++ == 0, "made twice", peer->what);
    peer->t = t;
    (void)rondo_transport_set_timeouts(t, PATIENCE_NS, PATIENCE_NS);
    if (peer->on_made)
        peer->on_made(peer);
    else if (peer->sends)
        peer_write(peer, peer->sends);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct peer *peer = self;
    must(peer->play, peer->made && !peer->lost && !peer->eofs,
         "received too early or too late", peer->what);
    must(peer->play, size > 0, "received nothing", peer->what);
    peer->received += size;
    if (peer->echoes)
        (void)rondo_transport_write(t, data, size);
}

static bool ended(rondo_transport *t, void *self)
{
    struct peer *peer = self;
    (void)t;
    must(peer->play, peer->made && !peer->lost && peer->eofs++ == 0,
         "a second end", peer->what);
    return false;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct peer *peer = self;
    (void)t;
    (void)error;
    must(peer->play, peer->made == 1 && peer->lost++ == 0, "lost twice",
         peer->what);
    peer->t = NULL;
    if (peer->on_lost)
        peer->on_lost(peer);
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    (void)t;
    (void)self;
    (void)direction;
    return false;
}

const rondo_protocol peer_protocol = {
    .connection_made = made,
    .data_received = received,
    .eof_received = ended,
    .connection_lost = lost,
    .timed_out = timed_out,
};

struct peer *peer_new(struct play *p, const char *what)
{
    struct peer *peer = &p->peers[p->peer_count++];
    *peer = (struct peer){.play = p, .what = what};
    return peer;
}

bool peer_pair(struct peer *a, struct peer *b)
{
    struct play *p = a->play;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   fds) != 0)
        return false;
    if (rondo_connect_accepted_socket(p->loop, fds[0], &peer_protocol, a,
                                      &a->t) != 0) {
        close(fds[0]);
        close(fds[1]);
        return false;
    }
    if (rondo_connect_accepted_socket(p->loop, fds[1], &peer_protocol, b,
                                      &b->t) == 0)
        return true;
    close(fds[1]);
    return false;
}

/* ---- clients and a server ---- */

void peer_client_over(struct play *p)
{
    if (p->clients > 0 && --p->clients == 0 && p->server)
        rondo_server_close(p->server);
}

static void client_lost(struct peer *peer)
{
    peer_client_over(peer->play);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct peer *peer = arg;
    (void)loop;
    must(peer->play, !t == (error != 0), "connected with an error", peer->what);
    must(peer->play, !t || peer->made == 1, "connected, not made", peer->what);
    op_over(&peer->connect, error);
    if (error)
        peer_client_over(peer->play);
}

void peer_connect(struct peer *peer, const rondo_connect_options *options)
{
    struct play *p = peer->play;
    rondo_connect_options o = *options;
    o.timeout_ns = RONDO_SEC(2);
    peer->on_lost = client_lost;
    op_init(&peer->connect, p, "connect");
    if (!op_begun(&peer->connect,
                  rondo_create_connection(p->loop, &o, &peer_protocol, peer,
                                          connected, peer)))
        peer_client_over(p);
}

int peer_factory(rondo_server *server, void *arg, rondo_transport *t,
                 const rondo_protocol **protocol, void **self)
{
    struct play *p = arg;
    (void)server;
    (void)t;
    if (p->peer_count == PEERS_MOST)
        return rondo_set_error(RONDO_EBUSY, "there are enough");
    struct peer *peer = peer_new(p, "accepted");
    peer->echoes = true;
    *protocol = &peer_protocol;
    *self = peer;
    return 0;
}

void peer_server_closed(rondo_server *server, void *arg)
{
    struct play *p = arg;
    must(p, server == p->server && p->closed++ == 0, "closed twice", "server");
    p->server = NULL;
}
