/* bulk_client.c - sends large messages over several connections. The server
 * answers each with the number of bytes that it has had from that connection,
 * eight bytes in the machine's order. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024 };

struct connection {
    int fd;
    bool busy;       /* a message is on its way */
    size_t left;     /* bytes of it that are not yet sent */
    uint64_t total;  /* bytes of all messages so far */
    size_t received; /* bytes of the answer */
    char answer[sizeof(uint64_t)];
};

static long request_count = 1000, size_option = 1 << 20, connection_count = 4;
static long begun, ended;
static struct connection connections[CONNECTIONS_MOST];
static char *message;
static int epoll;

static const struct option options[] = {
    {.name = "--requests",
     .number = &request_count,
     .least = 1,
     .most = 1L << 40},
    {.name = "--connections",
     .number = &connection_count,
     .least = 1,
     .most = CONNECTIONS_MOST},
    {.name = "--size", .number = &size_option, .least = 1, .most = 1 << 30},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--requests N] [--connections N] [--size N] " LOAD_PATIENCE
    " 127.0.0.1:PORT | @NAME";

static void watch(struct connection *c, int how, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, how, c->fd, &event) < 0) {
        load_die("epoll_ctl");
    }
}

static void send_on(struct connection *c)
{
    while (c->left > 0) {
        ssize_t sent = send(c->fd, message + size_option - c->left, c->left,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            return;
        }
        if (sent < 0) {
            load_die("send");
        }
        c->left -= (size_t)sent;
    }
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void begin(struct connection *c)
{
    c->busy = begun < request_count;
    if (!c->busy) {
        return;
    }
    begun++;
    c->left = (size_t)size_option;
    c->total += (uint64_t)size_option;
    c->received = 0;
    watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void take_answer(struct connection *c)
{
    ssize_t got = recv(c->fd, c->answer + c->received,
                       sizeof c->answer - c->received, MSG_DONTWAIT);
    if (got <= 0) {
        errno = got ? errno : ECONNRESET;
        load_die("recv");
    }
    c->received += (size_t)got;
    errno = 0;
    if (!c->busy || c->left > 0) {
        load_die("an answer that comes too early");
    }
    if (c->received < sizeof c->answer) {
        return;
    }
    if (memcmp(c->answer, &c->total, sizeof c->answer) != 0) {
        load_die("the count of bytes");
    }
    ended++;
    begin(c);
}

static void leave(const struct connection *c)
{
    char byte;
    if (recv(c->fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) {
        errno = 0;
        load_die("bytes after the last answer");
    }
    close(c->fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[64];
    struct load_address to;
    int word = options_read(argc, argv, options, 1, usage);
    if (!load_parse(argv[word], &to)) {
        options_wrong(argv[0], usage);
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    message = calloc(1, (size_t)size_option);
    if (!message) {
        load_die("calloc");
    }
    for (long i = 0; i < connection_count; i++) {
        connections[i].fd = load_connect(&to);
        watch(&connections[i], EPOLL_CTL_ADD, EPOLLIN);
        begin(&connections[i]);
    }
    while (ended < request_count) {
        int count = load_wait(epoll, events, 64);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_on(c);
            } else {
                take_answer(c);
            }
        }
    }
    for (long i = 0; i < connection_count; i++) {
        leave(&connections[i]);
    }
    free(message);
    return 0;
}
