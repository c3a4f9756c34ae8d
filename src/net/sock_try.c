/* sock_try.c - one try of an operation on a socket of the program's. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "net/sock.h"

static struct sock_call *of_source(struct source *s)
{
    return (struct sock_call *)(void *)((char *)s -
                                        offsetof(struct sock_call, source));
}

static int64_t try_recvfrom(struct sock_call *c)
{
    struct sys_received one = {.data = c->room};
    int got = sys_receive_batch(c->fd, &one, 1, c->size);
    if (got < 0)
        return got;
    c->address = one.from;
    return (int64_t)one.size;
}

/* A client that left before it was accepted is nobody. */
static int64_t try_accept(struct sock_call *c)
{
    sys_fd fd;
    int error;
    do
        error = sys_accept(c->fd, &fd, &c->address);
    while (error == RONDO_ECONNABORTED || error == RONDO_ECONNRESET);
    return error ? error : (int64_t)fd;
}

/* What the kernel takes. true: all has left; else what the try comes to. */
static bool send_on(struct sock_call *c, int64_t *result)
{
    int64_t sent = sys_send(c->fd, c->data + c->sent, c->size - c->sent);
    *result = sent < 0 ? sent : RONDO_EAGAIN;
    if (sent > 0)
        c->sent += (size_t)sent;
    return sent >= 0 && c->sent == c->size;
}

static int64_t try_sendall(struct sock_call *c)
{
    int64_t result;
    return send_on(c, &result) ? (int64_t)c->size : result;
}

static int64_t try_sendto(struct sock_call *c)
{
    struct sys_outgoing one = {c->data, c->size, &c->address.native,
                               c->address.native_size};
    int sent = sys_send_batch(c->fd, &one, 1);
    return sent < 0 ? sent : (int64_t)c->size;
}

static int64_t try_connect(struct sock_call *c)
{
    if (c->begun)
        return sys_connect_result(c->fd);
    int error = sys_connect(c->fd, &c->address);
    c->begun = error == RONDO_EAGAIN;
    return error;
}

/* ---- sendfile ---- */

static void came(struct source *s, const char *data, size_t size, int error)
{
    struct sock_call *c = of_source(s);
    c->data = data;
    c->size = size;
    c->sent = 0;
    if (error || !size) {
        sock_finish(c, error ? error : s->sent);
        return;
    }
    sock_go_on(c);
}

static int64_t read_on(struct sock_call *c)
{
    int64_t result;
    if (c->sent < c->size && !send_on(c, &result))
        return result;
    if (!c->source.left)
        return c->source.sent;
    c->source.came = came;
    int error = source_read(&c->source);
    return error ? error : SOCK_LATER;
}

static int64_t try_sendfile(struct sock_call *c)
{
    struct source *s = &c->source;
    if (!s->by_thread) {
        int64_t count = source_send(s, c->fd);
        if (count == 0 || !s->left)
            return s->sent;
        if (count != RONDO_ENOTSUP)
            return count > 0 ? RONDO_EAGAIN : count;
    }
    return read_on(c);
}

int64_t sock_try(struct sock_call *c)
{
    switch (c->kind) {
    case SOCK_CALL_RECV:
        return sys_recv(c->fd, c->room, c->size);
    case SOCK_CALL_RECVFROM:
        return try_recvfrom(c);
    case SOCK_CALL_ACCEPT:
        return try_accept(c);
    case SOCK_CALL_SENDALL:
        return try_sendall(c);
    case SOCK_CALL_SENDTO:
        return try_sendto(c);
    case SOCK_CALL_CONNECT:
        return try_connect(c);
    default:
        return try_sendfile(c);
    }
}
