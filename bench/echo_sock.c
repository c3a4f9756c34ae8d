/* echo_sock.c - the echo server over Rondo without transports: rondo_sock_recv
 * and rondo_sock_sendall, or --mode reader for rondo_add_reader with recv and
 * send. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static rondo_loop *loop;
static int listener;

static void must(int64_t result, const char *what)
{
    if (result < 0) {
        fail(what);
    }
}

static void client_left(int fd)
{
    close(fd);
    if (serve_left(&serve)) {
        rondo_loop_stop(loop);
    }
}

/* ---- operations on sockets ---- */

struct client {
    int fd;
    char bytes[2048];
};

static void got_bytes(rondo_loop *from, void *arg, int64_t result);

static void receive(struct client *c)
{
    must(rondo_sock_recv(loop, c->fd, c->bytes, sizeof c->bytes, got_bytes, c),
         "sock_recv");
}

static void drop(struct client *c)
{
    int fd = c->fd;
    free(c);
    client_left(fd);
}

static void sent_bytes(rondo_loop *from, void *arg, int64_t result)
{
    struct client *c = arg;
    (void)from;
    if (result < 0) {
        drop(c);
        return;
    }
    serve.bytes += (uint64_t)result;
    receive(c);
}

static void got_bytes(rondo_loop *from, void *arg, int64_t result)
{
    struct client *c = arg;
    (void)from;
    if (result <= 0) {
        drop(c);
        return;
    }
    must(rondo_sock_sendall(loop, c->fd, c->bytes, (size_t)result, sent_bytes,
                            c),
         "sock_sendall");
}

static void accepted(rondo_loop *from, void *arg, rondo_fd fd,
                     const rondo_address *peer, int error)
{
    (void)peer;
    if (error == RONDO_ECANCELED) { /* the loop is closed */
        return;
    }
    must(error, "sock_accept");
    struct client *c = malloc(sizeof *c);
    if (!c) {
        serve_die("malloc");
    }
    c->fd = (int)fd;
    serve_accepted(&serve);
    receive(c);
    must(rondo_sock_accept(from, listener, accepted, arg), "sock_accept");
}

/* ---- a reader ---- */

static void client_readable(rondo_loop *from, rondo_fd fd, void *arg)
{
    static char buffer[RECEIVE_SIZE];
    (void)arg;
    ssize_t got = recv((int)fd, buffer, sizeof buffer, 0);
    if (got > 0 && send((int)fd, buffer, (size_t)got, MSG_NOSIGNAL) == got) {
        serve.bytes += (size_t)got;
        return;
    }
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    must(rondo_remove_reader(from, fd), "remove_reader");
    client_left((int)fd);
}

static void listener_readable(rondo_loop *from, rondo_fd at, void *arg)
{
    int fd;
    while ((fd = accept4((int)at, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        serve_accepted(&serve);
        must(rondo_add_reader(from, fd, client_readable, arg), "add_reader");
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "reader");
    must(rondo_loop_new(&loop, NULL), "loop_new");
    listener = serve_listen(&serve);
    if (*serve.mode) {
        must(rondo_add_reader(loop, listener, listener_readable, NULL),
             "add_reader");
    } else {
        must(rondo_sock_accept(loop, listener, accepted, NULL), "sock_accept");
    }
    serve_run_on(loop);
    return serve_end(loop);
}
