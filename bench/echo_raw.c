/* echo_raw.c - the measure: an echo server written by hand over epoll. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

/* Said of what no request goes through, so that the compiler gives the
 * registers and the straight road to the requests. */
#define COLD __attribute__((cold))

static struct serve serve;
static int epoll, listener;

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        serve_die("epoll_ctl");
    }
}

static COLD void accept_clients(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        serve_accepted(&serve);
        watch(fd);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

/* One that does not take its answers is dropped: there is no queue here. */
static COLD bool last_left(int fd, ssize_t result)
{
    if (result < 0 && errno == EAGAIN) {
        return false;
    }
    close(fd);
    return serve_left(&serve);
}

/* True when the last client has left. */
static bool serve_ready(const struct epoll_event *ready, int count)
{
    static char buffer[RECEIVE_SIZE];
    for (const struct epoll_event *end = ready + count; ready < end; ready++) {
        int fd = ready->data.fd;
        if (fd == listener) {
            accept_clients();
            continue;
        }
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got > 0 && send(fd, buffer, (size_t)got, MSG_NOSIGNAL) == got) {
            serve.bytes += (size_t)got;
        } else if (last_left(fd, got)) {
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
