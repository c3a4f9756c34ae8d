/* file_raw.c - the measure: a file for each byte that is received, by sendfile
 * and epoll alone; --mode memory sends the same bytes from memory. */
/* SPDX-License-Identifier: MIT */
#include "file_serve.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { EVENTS = 256, CLIENTS = 4096 };

static struct serve serve;
static int epoll, listener, file;
static const char *memory; /* NULL: the file it is */
static struct client {
    off_t at;
    bool sending, waiting;
} clients[CLIENTS]; /* by descriptor */

static void watch(int fd, int how, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, how, fd, &event) < 0) {
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
        serve_accepted(&serve);
        clients[fd] = (struct client){0};
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static ssize_t send_some(int fd, struct client *c, size_t left)
{
    if (!memory) {
        return sendfile(fd, file, &c->at, left);
    }
    ssize_t sent = send(fd, memory + c->at, left, MSG_NOSIGNAL);
    c->at += sent > 0 ? sent : 0;
    return sent;
}

/* Fewer bytes than asked for: the socket is full, which need not be asked. */
static void send_on(int fd)
{
    struct client *c = &clients[fd];
    size_t left = serve.size - (size_t)c->at;
    ssize_t sent = send_some(fd, c, left);
    if (sent < 0 && errno != EAGAIN) {
        serve_die("sendfile");
    }
    bool wait = sent < (ssize_t)left;
    c->sending = wait;
    if (!wait) {
        serve.bytes += serve.size;
    }
    if (wait != c->waiting) {
        watch(fd, EPOLL_CTL_MOD, wait ? EPOLLOUT : EPOLLIN);
        c->waiting = wait;
    }
}

/* True when the last client has left. */
static bool serve_ready(const struct epoll_event *ready, int count)
{
    char byte;
    for (int i = 0; i < count; i++) {
        int fd = ready[i].data.fd;
        if (fd == listener) {
            accept_clients();
        } else if (clients[fd].sending) {
            send_on(fd);
        } else if (recv(fd, &byte, 1, 0) == 1) {
            clients[fd].at = 0;
            send_on(fd);
        } else {
            close(fd);
            if (serve_left(&serve)) {
                return true;
            }
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    serve_options(&serve, argc, argv, "memory");
    signal(SIGPIPE, SIG_IGN);
    if (*serve.mode) {
        memory = file_in_memory(&serve);
    } else {
        file = file_make(&serve);
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        serve_die("epoll_create1");
    }
    listener = serve_listen(&serve);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    while (!serve_ready(events, epoll_wait(epoll, events, EVENTS, -1))) {
    }
    serve_report(&serve);
    return 0;
}
