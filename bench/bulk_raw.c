/* bulk_raw.c - the measure of bulk one way: a server by hand over epoll, which
 * takes messages and answers each with the bytes so far. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, CLIENTS = 65536 };

static struct serve serve;
static int epoll, listener;
static uint64_t totals[CLIENTS]; /* by descriptor */

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        serve_die("epoll_ctl");
    }
}

static void accept_clients(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        if (fd >= CLIENTS) {
            serve_die("too many clients");
        }
        totals[fd] = 0;
        serve_accepted(&serve);
        watch(fd);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

/* True when the last client has left. */
static bool receive(int fd)
{
    static char buffer[RECEIVE_SIZE];
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
        return false;
    }
    if (got > 0 && (!serve_sink(&serve, &totals[fd], (size_t)got) ||
                    send(fd, &totals[fd], sizeof totals[fd], MSG_NOSIGNAL) ==
                        sizeof totals[fd])) {
        return false;
    }
    close(fd);
    return serve_left(&serve);
}

static bool serve_ready(const struct epoll_event *ready, int count)
{
    for (const struct epoll_event *end = ready + count; ready < end; ready++) {
        if (ready->data.fd == listener) {
            accept_clients();
        } else if (receive(ready->data.fd)) {
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
    watch(listener);
    while (!serve_ready(events, epoll_wait(epoll, events, EVENTS, -1))) {
    }
    serve_report(&serve);
    close(listener);
    close(epoll);
    return 0;
}
