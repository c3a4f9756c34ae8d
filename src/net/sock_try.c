/* sock_try.c - one try of an operation on a socket of the program's. */
/* SPDX-License-Identifier: MIT */
#include "net/sock.h"

#include "core/backoff.h"

static int64_t sock_try_recvfrom(struct sock_call *c)
{
    struct sys_received one = {.data = c->room};
    int got = sys_receive_batch(c->fd, &one, 1, c->size);
    c->address.native_size = 0;
    if (got < 0) /* shut down: no bytes, as of recv(2) */
        return got == RONDO_EPIPE ? 0 : got;
    c->address = one.from;
    return (int64_t)one.size;
}

/* Clients that left before they were accepted are skipped. */
static int64_t sock_try_accept(struct sock_call *c)
{
    sys_fd fd;
    int error;
    do
        error = sys_accept(c->fd, &fd, &c->address);
    while (error == RONDO_ECONNABORTED || error == RONDO_ECONNRESET);
    return error ? error : (int64_t)fd;
}

/* The kernel took a part of what is left, nothing, or has failed; short of
 * memory (ENOBUFS), it is offered a little. true: all has left; false: *result
 * is the try's. */
static bool sock_sent_part(struct sock_call *c, int64_t sent, int64_t *result)
{
    size_t smaller = retry_smaller(sent, c->size - c->sent);
    if (smaller && sys_kind(c->fd) == SYS_KIND_STREAM)
        sent = sys_send(c->fd, c->data + c->sent, smaller);
    *result = sent < 0 ? sent : RONDO_EAGAIN;
    if (sent > 0)
        c->sent += (size_t)sent;
    return sent >= 0 && c->sent == c->size;
}

/* Sends what the kernel takes. */
static bool sock_send_on(struct sock_call *c, int64_t *result)
{
    assert(c->sent <= c->size);
    size_t left = c->size - c->sent;
    int64_t sent = sys_send(c->fd, c->data + c->sent, left);
    if (sent != (int64_t)left)
        return sock_sent_part(c, sent, result);
    c->sent = c->size;
    return true;
}

static int64_t sock_try_sendall(struct sock_call *c)
{
    int64_t result;
    return sock_send_on(c, &result) ? (int64_t)c->size : result;
}

int64_t sock_sent_some(struct sock_call *c, int64_t sent)
{
    int64_t result;
    return sock_sent_part(c, sent, &result) ? (int64_t)c->size : result;
}

static int64_t sock_try_sendto(struct sock_call *c)
{
    struct sys_outgoing one = {c->data, c->size, &c->address.native,
                               c->address.native_size};
    int sent = sys_send_batch(c->fd, &one, 1);
    return sent < 0 ? sent : (int64_t)c->size;
}

static int64_t sock_try_connect(struct sock_call *c)
{
    if (c->begun)
        return sys_connect_result(c->fd);
    int error = sys_connect(c->fd, &c->address);
    c->begun = error == RONDO_EAGAIN;
    return error;
}

static void sock_came(struct file_source *s, const char *data, size_t size,
                      int error)
{
    struct sock_call *c =
        (struct sock_call *)(void *)((char *)s -
                                     offsetof(struct sock_call, source));
    assert(c->kind == SOCK_CALL_SENDFILE && !c->over);
    c->data = data;
    c->size = size;
    c->sent = 0;
    if (error || !size) {
        sock_finish(c, error ? error : s->sent);
        return;
    }
    sock_go_on(c);
}

static int64_t sock_read_on(struct sock_call *c)
{
    int64_t result;
    if (c->sent < c->size && !sock_send_on(c, &result))
        return result;
    if (!c->source.left)
        return c->source.sent;
    c->source.came = sock_came;
    int error = file_source_read(&c->source);
    return error ? error : SOCK_LATER;
}

static int64_t sock_try_sendfile(struct sock_call *c)
{
    struct file_source *s = &c->source;
    if (!s->by_thread) {
        int64_t count = file_source_send(s, c->fd);
        if (count == 0 || !s->left)
            return s->sent;
        if (count != RONDO_ENOTSUP)
            return count > 0 ? RONDO_EAGAIN : count;
    }
    return sock_read_on(c);
}

/* A socket for datagrams that was shut down is readable for ever, and Linux has
 * nothing to read: no bytes, as of a stream. */
static int64_t sock_tried_to_receive(struct sock_call *c, int64_t got)
{
    if (got != RONDO_EAGAIN)
        return got;
    bool ready = c->begun;
    c->begun = true;
    return ready && sys_is_shut_for_reading(c->fd) ? 0 : got;
}

int64_t sock_try(struct sock_call *c)
{
    switch (c->kind) {
    case SOCK_CALL_RECV:
        return sock_tried_to_receive(c, sys_recv(c->fd, c->room, c->size));
    case SOCK_CALL_RECVFROM:
        return sock_tried_to_receive(c, sock_try_recvfrom(c));
    case SOCK_CALL_ACCEPT:
        return sock_try_accept(c);
    case SOCK_CALL_SENDALL:
        return sock_try_sendall(c);
    case SOCK_CALL_SENDTO:
        return sock_try_sendto(c);
    case SOCK_CALL_CONNECT:
        return sock_try_connect(c);
    default:
        return sock_try_sendfile(c);
    }
}
