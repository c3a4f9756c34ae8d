/* echo_ev.c - the echo server over libev's watchers, with recv and send; --mode
 * sink takes bulk and answers each message. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct serve serve;
static char buffer[RECEIVE_SIZE];

static void drop(struct ev_loop *loop, ev_io *io)
{
    ev_io_stop(loop, io);
    close(io->fd);
    free(io);
    if (serve_left(&serve)) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void client_ready(struct ev_loop *loop, ev_io *io, int events)
{
    (void)events;
    ssize_t got = recv(io->fd, buffer, sizeof buffer, 0);
    if (got > 0 && send(io->fd, buffer, (size_t)got, MSG_NOSIGNAL) == got) {
        serve.bytes += (size_t)got;
        return;
    }
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    drop(loop, io);
}

/* ---- bulk ---- */

struct source {
    ev_io io;
    uint64_t total;
};

static void source_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct source *s = (struct source *)io;
    (void)events;
    ssize_t got = recv(io->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0 || (serve_sink(&serve, &s->total, (size_t)got) &&
                     send(io->fd, &s->total, sizeof s->total, MSG_NOSIGNAL) !=
                         sizeof s->total)) {
        drop(loop, io);
    }
}

/* ---- clients ---- */

static void listener_ready(struct ev_loop *loop, ev_io *listener, int events)
{
    int fd;
    bool sink = *serve.mode;
    (void)events;
    while ((fd = accept4(listener->fd, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        ev_io *io = calloc(1, sink ? sizeof(struct source) : sizeof *io);
        if (!io) {
            serve_die("malloc");
        }
        serve_accepted(&serve);
        ev_io_init(io, sink ? source_ready : client_ready, fd, EV_READ);
        ev_io_start(loop, io);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "sink");
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);
    if (!loop) {
        serve_die("ev_loop_new");
    }
    ev_io listener;
    ev_io_init(&listener, listener_ready, serve_listen(&serve), EV_READ);
    ev_io_start(loop, &listener);
    ev_run(loop, 0);
    char version[32];
    snprintf(version, sizeof version, "libev %d.%d", ev_version_major(),
             ev_version_minor());
    serve.library = version;
    serve_report(&serve);
    close(listener.fd);
    ev_loop_destroy(loop);
    return 0;
}
