/* bulk_raw.c - the measure of bulk one way: a server by hand over epoll, which
 * takes messages and answers each with the bytes so far. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

struct client {
    int fd;
    uint64_t total;
};

static struct serve serve;
static int epoll, listener;

static void watch(int fd, struct client *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        serve_die("epoll_ctl");
    }
}

static void accept_clients(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        struct client *c = calloc(1, sizeof *c);
        if (!c) {
            serve_die("calloc");
        }
        c->fd = fd;
        serve_accepted(&serve);
        watch(fd, c);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

/* True when the last client has left. */
static bool receive(struct client *c)
{
    static char buffer[RECEIVE_SIZE];
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
        return false;
    }
    if (got > 0 && (!serve_sink(&serve, &c->total, (size_t)got) ||
                    send(c->fd, &c->total, sizeof c->total, MSG_NOSIGNAL) ==
                        sizeof c->total)) {
        return false;
    }
    close(c->fd);
    free(c);
    return serve_left(&serve);
}

static bool serve_ready(const struct epoll_event *ready, int count)
{
    for (const struct epoll_event *end = ready + count; ready < end; ready++) {
        if (!ready->data.ptr) {
            accept_clients();
        } else if (receive(ready->data.ptr)) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    serve_options(&serve, argc, argv, "");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        serve_die("epoll_create1");
    }
    listener = serve_listen(&serve);
    watch(listener, NULL);
    while (!serve_ready(events, epoll_wait(epoll, events, EVENTS, -1))) {
    }
    serve_report(&serve);
    close(listener);
    close(epoll);
    return 0;
}
