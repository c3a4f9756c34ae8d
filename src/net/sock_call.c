/* sock_call.c - operations on sockets of the program's: its calls. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "net/sock.h"

static int check(rondo_loop *loop, enum sock_kind kind, bool can_tell)
{
    int error = loop_check_create(loop, sock_names[kind]);
    if (!error && !can_tell)
        error = error_set(RONDO_EINVAL, "%s: no function", sock_names[kind]);
    return error;
}

static int check_bytes(const void *data, size_t size, enum sock_kind kind)
{
    if (!data && size)
        return error_set(RONDO_EINVAL, "%s: bytes at NULL", sock_names[kind]);
    return 0;
}

static int check_address(const rondo_address *to, enum sock_kind kind)
{
    if (!to || !to->native_size)
        return error_set(RONDO_EINVAL, "%s: no address", sock_names[kind]);
    return 0;
}

/* ---- the program's calls ---- */

rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data, size_t size,
                         rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_RECV, done != NULL);
    if (!error)
        error = check_bytes(data, size, SOCK_CALL_RECV);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_RECV, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                             size_t size, rondo_recvfrom_fn done, void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_RECVFROM, done != NULL);
    if (!error)
        error = check_bytes(data, size, SOCK_CALL_RECVFROM);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_RECVFROM, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.recvfrom = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s, const void *data,
                            size_t size, rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_SENDALL, done != NULL);
    if (!error)
        error = check_bytes(data, size, SOCK_CALL_SENDALL);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDALL, &c);
    if (error)
        return error;
    c->data = data;
    c->size = size;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s, const void *data,
                           size_t size, const rondo_address *to,
                           rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_SENDTO, done != NULL);
    if (!error)
        error = check_bytes(data, size, SOCK_CALL_SENDTO);
    if (!error)
        error = check_address(to, SOCK_CALL_SENDTO);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDTO, &c);
    if (error)
        return error;
    c->data = data;
    c->size = size;
    c->address = *to;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_connect(rondo_loop *loop, rondo_fd s,
                            const rondo_address *to, rondo_done_fn done,
                            void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_CONNECT, done != NULL);
    if (!error)
        error = check_address(to, SOCK_CALL_CONNECT);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_CONNECT, &c);
    if (error)
        return error;
    c->address = *to;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s, rondo_accept_fn done,
                           void *arg)
{
    struct sock_call *c;
    int error = check(loop, SOCK_CALL_ACCEPT, done != NULL);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_ACCEPT, &c);
    if (error)
        return error;
    c->done.accept = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendfile(rondo_loop *loop, rondo_fd s, rondo_fd file,
                             int64_t offset, int64_t size, rondo_done_fn done,
                             void *arg)
{
    struct sock_call *c;
    struct source source;
    const char *what = sock_names[SOCK_CALL_SENDFILE];
    int error = check(loop, SOCK_CALL_SENDFILE, done != NULL);
    if (!error)
        error = source_open(&source, loop, file, offset, size, what);
    if (!error)
        error = source_check(&source, what);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDFILE, &c);
    if (error)
        return error;
    c->source = source;
    c->done.any = done;
    return sock_call_begin(c, arg);
}
