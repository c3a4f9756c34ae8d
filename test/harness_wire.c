/* harness_wire.c - a socket of the program's, and operations on it. */
/* SPDX-License-Identifier: MIT */
#include "harness_wire.h"

#include "raw_net.h"

struct wire *wire_new(struct world *w, int bytes)
{
    struct wire *x = test_alloc(w, sizeof *x);
    raw_fd pair[2];

    call_pair(pair, bytes);
    x->w = w;
    x->fd = test_own(w, pair[0]);
    x->other = test_own(w, pair[1]);
    x->room = test_alloc(w, WIRE_ROOM);
    return x;
}

static struct call *begun(struct call *c, rondo_id id)
{
    c->id = assert_ok(id);
    assert_int_equal(c->calls, 0); /* not inside the call */
    return c;
}

struct call *wire_recv(struct wire *x)
{
    struct call *c = call_new(x->w);

    return begun(c, rondo_sock_recv(x->w->loop, x->fd, x->room, WIRE_ROOM,
                                    call_done, c));
}

struct call *wire_sendall(struct wire *x, const void *data, size_t size)
{
    struct call *c = call_new(x->w);

    return begun(
        c, rondo_sock_sendall(x->w->loop, x->fd, data, size, call_done, c));
}

struct call *wire_sendfile(struct wire *x, raw_fd file, int64_t offset,
                           int64_t size)
{
    struct call *c = call_new(x->w);

    return begun(c, rondo_sock_sendfile(x->w->loop, x->fd, file, offset, size,
                                        call_done, c));
}

struct call *wire_accept(struct world *w, raw_fd listener)
{
    struct call *c = call_new(w);

    return begun(c, rondo_sock_accept(w->loop, listener, call_accepted, c));
}

struct call *wire_connect(struct world *w, raw_fd fd, const rondo_address *to)
{
    struct call *c = call_new(w);

    return begun(c, rondo_sock_connect(w->loop, fd, to, call_done, c));
}

struct call *wire_recvfrom(struct world *w, raw_fd fd, void *room, size_t size)
{
    struct call *c = call_new(w);

    return begun(
        c, rondo_sock_recvfrom(w->loop, fd, room, size, call_received, c));
}

struct call *wire_sendto(struct world *w, raw_fd fd, const void *data,
                         size_t size, const rondo_address *to)
{
    struct call *c = call_new(w);

    return begun(c,
                 rondo_sock_sendto(w->loop, fd, data, size, to, call_done, c));
}

void wire_hears(struct wire *x, const char *text)
{
    assert_true(raw_send_all(x->other, text, strlen(text), 1000));
}

void wire_takes(struct wire *x, uint64_t position, uint64_t size)
{
    assert_int_equal(test_drain_raw_some(x->w, x->other, position, size), size);
}

raw_fd wire_socket(struct world *w)
{
    raw_fd fd = test_own(w, raw_tcp());

    raw_set_nonblocking(fd);
    return fd;
}

raw_fd wire_listener(struct world *w, uint16_t *port, int backlog)
{
    raw_fd fd = test_own(w, raw_listen(port, backlog));

    raw_set_nonblocking(fd);
    return fd;
}

rondo_address wire_loopback(uint16_t port)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, "127.0.0.1", port));
    return a;
}
