/* echo_ev.c - the echo server over libev's watchers, with recv and send. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct serve serve;
static char buffer[RECEIVE_SIZE];

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
    ev_io_stop(loop, io);
    close(io->fd);
    free(io);
    if (serve_left(&serve)) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void listener_ready(struct ev_loop *loop, ev_io *listener, int events)
{
    int fd;
    (void)events;
    while ((fd = accept4(listener->fd, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        ev_io *io = malloc(sizeof *io);
        if (!io) {
            serve_die("malloc");
        }
        serve_accepted(&serve);
        ev_io_init(io, client_ready, fd, EV_READ);
        ev_io_start(loop, io);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv);
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);
    if (!loop) {
        serve_die("ev_loop_new");
    }
    ev_io listener;
    ev_io_init(&listener, listener_ready, serve_listen(), EV_READ);
    ev_io_start(loop, &listener);
    ev_run(loop, 0);
    serve_report(&serve);
    close(listener.fd);
    ev_loop_destroy(loop);
    return 0;
}
